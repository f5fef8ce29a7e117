"""Products."""

from collections.abc import Iterator

from ..errors import InvalidRequest, NotModelled
from .fields import cleared, merged_metadata, new_metadata, where
from .work import Obj, Work, copied

KIND = "product"


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/products. The id may be given; a taken one is refused (resource_already_exists)."""
    if "package_dimensions" in params or "tax_details" in params:
        raise NotModelled("package_dimensions and tax_details of products")
    product_id = params.get("id") or work.new_id("prod")
    if work.find(KIND, product_id) is not None:
        raise InvalidRequest("Product already exists.", code="resource_already_exists", param="id")
    product = {
        "id": product_id,
        "object": KIND,
        "active": params.get("active", True),
        "created": work.now,
        "default_price": None,
        "description": params.get("description"),
        "images": params.get("images", []),
        "livemode": False,
        "marketing_features": params.get("marketing_features", []),
        "metadata": new_metadata(params.get("metadata")),
        "name": params["name"],
        "package_dimensions": None,
        "shippable": params.get("shippable"),
        "statement_descriptor": params.get("statement_descriptor"),
        "tax_code": params.get("tax_code"),
        "tax_details": None,
        "type": params.get("type", "service"),
        "unit_label": params.get("unit_label"),
        "updated": work.now,
        "url": params.get("url"),
    }
    work.add(KIND, product)
    work.emit("product.created", product)
    return product


def retrieve(work: Work, _params: Obj, product_id: str) -> Obj:
    """GET /v1/products/{id}; a deleted product is missing (only customers answer as a stub)."""
    return work.edit(KIND, product_id)


def update(work: Work, params: Obj, product_id: str) -> Obj:
    """POST /v1/products/{id}."""
    product = work.edit(KIND, product_id)
    before = copied(product)
    if "default_price" in params:
        price = work.read("price", params["default_price"], param="default_price")
        if price["product"] != product_id:
            raise InvalidRequest(
                f"The price specified for `default_price` does not belong to {product_id}.",
                param="default_price",
            )
    product["metadata"] = merged_metadata(product["metadata"], params.get("metadata"))
    plain = ("active", "default_price", "description", "name", "shippable", "statement_descriptor")
    for name in (*plain, "tax_code", "unit_label", "url"):
        if name in params:
            product[name] = cleared(params[name])
    for name in ("images", "marketing_features"):
        if name in params:
            product[name] = params[name] or []
    if product != before:
        product["updated"] = work.now
        work.emit_updated("product.updated", before, product)
    return product


def delete(work: Work, _params: Obj, product_id: str) -> Obj:
    """DELETE /v1/products/{id}; refused while a price belongs to it."""
    product = work.edit(KIND, product_id)
    if any(price["product"] == product_id for price in work.all("price")):
        raise InvalidRequest("This product cannot be deleted because it has one or more user-created prices.")
    work.emit("product.deleted", product)
    return work.add(KIND, {"id": product_id, "object": KIND, "deleted": True})


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/products."""
    ids = params.get("ids")
    for product in where(work.all(KIND), params, "active", "shippable", "type", "url"):
        if ids is None or product["id"] in ids:
            yield product
