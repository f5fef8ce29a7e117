"""What NetBox 4.6 has: models with their fields in the order of its answers. Source: its REST API, release 4.6.8.

Fields that are listed and that no row holds are answered with null, as an unset field is. Counts are computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

_HEAD = ("id", "url", "display_url", "display")
_TAIL = ("tags", "custom_fields", "created", "last_updated")
_BRIEF = ("id", "url", "display", "name", "description")
_BRIEF_SLUG = ("id", "url", "display", "name", "slug", "description")

_HARDWARE_STATUS = {"offline": "Offline", "active": "Active", "planned": "Planned", "staged": "Staged",
                    "failed": "Failed", "decommissioning": "Decommissioning"}  # fmt: skip
_PREFIX_STATUS = {"container": "Container", "active": "Active", "reserved": "Reserved", "deprecated": "Deprecated"}
_FIELD_TYPES = {"text": "Text", "longtext": "Text (long)", "integer": "Integer", "decimal": "Decimal",
                "boolean": "Boolean (true/false)", "date": "Date", "url": "URL", "select": "Selection"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Model:
    """One kind of object. `label` is NetBox's content type, `path` its place under /api/."""

    label: str
    path: str
    title: str
    fields: tuple[str, ...]
    brief: tuple[str, ...] = _BRIEF
    # The text that stands for an object: the first of these that it has.
    named_by: tuple[str, ...] = ("name",)
    required: tuple[str, ...] = ("name",)
    unique: tuple[str, ...] = ()
    # field -> label of the model that it points to
    relations: Mapping[str, str] = field(default_factory=dict)
    # field -> {value: what people read}
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    # field -> (label, field) of what is counted
    counts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    texts: tuple[str, ...] = ("name", "description")
    numbers: tuple[str, ...] = ()
    times: tuple[str, ...] = ("created", "last_updated")
    # Filters that NetBox has and this stand-in has not; they are refused by name, not ignored.
    missing: tuple[str, ...] = ()
    read_only: bool = False


_ALL = [
    Model(
        "tenancy.tenantgroup", "tenancy/tenant-groups", "tenant group",
        (*_HEAD, "name", "slug", "parent", "description", *_TAIL, "tenant_count", "owner", "comments", "_depth"),
        brief=_BRIEF_SLUG, required=("name", "slug"), unique=("name", "slug"),
        relations={"parent": "tenancy.tenantgroup"}, counts={"tenant_count": ("tenancy.tenant", "group")},
        defaults={"description": "", "comments": "", "_depth": 0}, texts=("name", "slug", "description"),
        missing=("ancestor", "ancestor_id", "owner", "owner_id"),
    ),
    Model(
        "tenancy.tenant", "tenancy/tenants", "tenant",
        (*_HEAD, "name", "slug", "group", "description", "owner", "comments", *_TAIL, "circuit_count",
         "device_count", "ipaddress_count", "prefix_count", "rack_count", "site_count", "virtualmachine_count",
         "vlan_count", "vrf_count", "cluster_count"),
        brief=_BRIEF_SLUG, required=("name", "slug"), unique=("name", "slug"),
        relations={"group": "tenancy.tenantgroup"},
        counts={"device_count": ("dcim.device", "tenant"), "ipaddress_count": ("ipam.ipaddress", "tenant"),
                "prefix_count": ("ipam.prefix", "tenant"), "site_count": ("dcim.site", "tenant"),
                "virtualmachine_count": ("virtualization.virtualmachine", "tenant"),
                "vrf_count": ("ipam.vrf", "tenant")},
        defaults={"description": "", "comments": "", "circuit_count": 0, "rack_count": 0, "vlan_count": 0,
                  "cluster_count": 0},
        texts=("name", "slug", "description"),
        missing=("contact", "contact_group", "contact_role", "owner", "owner_id"),
    ),
    Model(
        "dcim.site", "dcim/sites", "site",
        (*_HEAD, "name", "slug", "status", "region", "group", "tenant", "facility", "time_zone", "description",
         "physical_address", "shipping_address", "latitude", "longitude", "owner", "comments", "asns", *_TAIL,
         "circuit_count", "device_count", "prefix_count", "rack_count", "virtualmachine_count", "vlan_count"),
        brief=("id", "url", "display", "name", "description", "slug"), required=("name", "slug"),
        unique=("name", "slug"), relations={"tenant": "tenancy.tenant"},
        choices={"status": {"planned": "Planned", "staging": "Staging", "active": "Active",
                            "decommissioning": "Decommissioning", "retired": "Retired"}},
        counts={"device_count": ("dcim.device", "site"),
                "virtualmachine_count": ("virtualization.virtualmachine", "site")},
        defaults={"status": "active", "description": "", "comments": "", "facility": "", "physical_address": "",
                  "shipping_address": "", "asns": [], "circuit_count": 0, "prefix_count": 0, "rack_count": 0,
                  "vlan_count": 0},
        texts=("name", "slug", "description", "facility"),
        missing=("region", "region_id", "group", "group_id", "asn", "asn_id", "time_zone", "latitude", "longitude",
                 "contact", "contact_group", "contact_role", "owner", "owner_id"),
    ),
    Model(
        "dcim.devicerole", "dcim/device-roles", "device role",
        (*_HEAD, "name", "slug", "color", "vm_role", "config_template", "parent", "description", *_TAIL,
         "device_count", "virtualmachine_count", "owner", "comments", "_depth"),
        brief=(*_BRIEF_SLUG, "device_count", "virtualmachine_count", "_depth"), required=("name", "slug"),
        unique=("name", "slug"), relations={"parent": "dcim.devicerole"},
        counts={"device_count": ("dcim.device", "role"),
                "virtualmachine_count": ("virtualization.virtualmachine", "role")},
        defaults={"color": "9e9e9e", "vm_role": True, "description": "", "comments": "", "_depth": 0},
        texts=("name", "slug", "description", "color"), missing=("ancestor", "vm_role", "config_template_id"),
    ),
    Model(
        "dcim.manufacturer", "dcim/manufacturers", "manufacturer",
        (*_HEAD, "name", "slug", "description", "owner", "comments", *_TAIL, "devicetype_count", "moduletype_count",
         "inventoryitem_count", "platform_count"),
        brief=_BRIEF_SLUG, required=("name", "slug"), unique=("name", "slug"),
        counts={"devicetype_count": ("dcim.devicetype", "manufacturer")},
        defaults={"description": "", "comments": "", "moduletype_count": 0, "inventoryitem_count": 0,
                  "platform_count": 0},
        texts=("name", "slug", "description"), missing=("contact", "contact_group", "contact_role"),
    ),
    Model(
        "dcim.devicetype", "dcim/device-types", "device type",
        (*_HEAD, "manufacturer", "default_platform", "model", "slug", "part_number", "u_height",
         "exclude_from_utilization", "is_full_depth", "subdevice_role", "airflow", "weight", "weight_unit",
         "front_image", "rear_image", "description", "owner", "comments", *_TAIL, "device_count"),
        brief=("id", "url", "display", "manufacturer", "model", "slug", "description", "device_count"),
        named_by=("model",), required=("manufacturer", "model", "slug"), unique=("slug",),
        relations={"manufacturer": "dcim.manufacturer"}, counts={"device_count": ("dcim.device", "device_type")},
        defaults={"part_number": "", "u_height": 1.0, "exclude_from_utilization": False, "is_full_depth": True,
                  "description": "", "comments": ""},
        texts=("model", "slug", "description", "part_number"),
        missing=("default_platform", "u_height", "is_full_depth", "subdevice_role", "airflow", "weight"),
    ),
    Model(
        "dcim.device", "dcim/devices", "device",
        (*_HEAD, "name", "device_type", "role", "tenant", "platform", "serial", "asset_tag", "site", "location",
         "rack", "position", "face", "latitude", "longitude", "parent_device", "status", "airflow", "primary_ip",
         "primary_ip4", "primary_ip6", "oob_ip", "cluster", "virtual_chassis", "vc_position", "vc_priority",
         "description", "owner", "comments", "config_template", "config_context", "local_context_data", *_TAIL,
         "console_port_count", "console_server_port_count", "power_port_count", "power_outlet_count",
         "interface_count", "front_port_count", "rear_port_count", "device_bay_count", "module_bay_count",
         "inventory_item_count"),
        required=("device_type", "role", "site"), unique=("asset_tag",),
        relations={"device_type": "dcim.devicetype", "role": "dcim.devicerole", "tenant": "tenancy.tenant",
                   "site": "dcim.site"},
        choices={"status": {**_HARDWARE_STATUS, "inventory": "Inventory"}},
        defaults={"status": "active", "serial": "", "description": "", "comments": "", "config_context": {},
                  **{f"{each}_count": 0 for each in (
                      "console_port", "console_server_port", "power_port", "power_outlet", "interface",
                      "front_port", "rear_port", "device_bay", "module_bay", "inventory_item")}},
        texts=("name", "serial", "asset_tag", "description"),
        missing=("manufacturer", "manufacturer_id", "platform", "platform_id", "region", "region_id", "site_group",
                 "site_group_id", "location", "location_id", "rack_id", "cluster_id", "cluster_group",
                 "cluster_group_id", "model", "mac_address", "has_primary_ip", "has_oob_ip", "virtual_chassis_id",
                 "virtual_chassis_member", "is_full_depth", "face", "position", "airflow", "parent_device_id",
                 "config_template_id", "contact", "contact_group", "contact_role", "owner", "owner_id",
                 "interfaces", "local_context_data", "primary_ip4", "primary_ip6"),
    ),
    Model(
        "virtualization.virtualmachine", "virtualization/virtual-machines", "virtual machine",
        (*_HEAD, "name", "virtual_machine_type", "role", "status", "start_on_boot", "site", "cluster", "device",
         "platform", "primary_ip", "primary_ip4", "primary_ip6", "vcpus", "memory", "disk", "description", "serial",
         "tenant", "owner", "comments", "local_context_data", "config_template", "config_context", *_TAIL,
         "interface_count", "virtual_disk_count"),
        relations={"role": "dcim.devicerole", "site": "dcim.site", "device": "dcim.device",
                   "tenant": "tenancy.tenant"},
        choices={"status": {**_HARDWARE_STATUS, "paused": "Paused"},
                 "start_on_boot": {"on": "On", "off": "Off", "laststate": "Last State"}},
        defaults={"status": "active", "start_on_boot": "off", "serial": "", "description": "", "comments": "",
                  "config_context": {}, "interface_count": 0, "virtual_disk_count": 0},
        texts=("name", "serial", "description"), numbers=("vcpus", "memory", "disk"),
        missing=("virtual_machine_type", "virtual_machine_type_id", "cluster", "cluster_id", "cluster_group",
                 "cluster_group_id", "cluster_type", "cluster_type_id", "region", "region_id", "site_group",
                 "site_group_id", "platform", "platform_id", "mac_address", "has_primary_ip", "config_template_id",
                 "contact", "contact_group", "contact_role", "owner", "owner_id", "interface_count",
                 "virtual_disk_count", "local_context_data", "primary_ip4", "primary_ip6"),
    ),
    Model(
        "ipam.vrf", "ipam/vrfs", "VRF",
        (*_HEAD, "name", "rd", "tenant", "enforce_unique", "description", "owner", "comments", "import_targets",
         "export_targets", *_TAIL, "ipaddress_count", "prefix_count"),
        brief=("id", "url", "display", "name", "rd", "description", "prefix_count"), unique=("rd",),
        relations={"tenant": "tenancy.tenant"},
        counts={"ipaddress_count": ("ipam.ipaddress", "vrf"), "prefix_count": ("ipam.prefix", "vrf")},
        defaults={"enforce_unique": True, "description": "", "comments": "", "import_targets": [],
                  "export_targets": []},
        texts=("name", "rd", "description"),
        missing=("import_target", "import_target_id", "export_target", "export_target_id", "enforce_unique"),
    ),
    Model(
        "ipam.ipaddress", "ipam/ip-addresses", "IP address",
        (*_HEAD, "family", "address", "vrf", "tenant", "status", "role", "assigned_object_type",
         "assigned_object_id", "assigned_object", "nat_inside", "nat_outside", "dns_name", "description", "owner",
         "comments", *_TAIL),
        brief=("id", "url", "display", "family", "address", "description"), named_by=("address",),
        required=("address",), relations={"vrf": "ipam.vrf", "tenant": "tenancy.tenant"},
        choices={"status": {"active": "Active", "reserved": "Reserved", "deprecated": "Deprecated", "dhcp": "DHCP",
                            "slaac": "SLAAC"}},
        defaults={"status": "active", "dns_name": "", "description": "", "comments": "", "nat_outside": []},
        texts=("address", "dns_name", "description"),
        missing=("parent", "mask_length", "present_in_vrf", "present_in_vrf_id", "device", "device_id",
                 "virtual_machine", "virtual_machine_id", "interface", "interface_id", "vminterface",
                 "vminterface_id", "fhrpgroup_id", "assigned", "assigned_to_interface", "assigned_object_type",
                 "assigned_object_id", "role", "service_id", "nat_inside_id", "contact", "contact_group",
                 "contact_role", "owner", "owner_id"),
    ),
    Model(
        "ipam.prefix", "ipam/prefixes", "prefix",
        (*_HEAD, "family", "prefix", "vrf", "scope_type", "scope_id", "scope", "tenant", "vlan", "status", "role",
         "is_pool", "mark_utilized", "description", "owner", "comments", *_TAIL, "children", "_depth"),
        brief=("id", "url", "display", "family", "prefix", "description", "_depth"), named_by=("prefix",),
        required=("prefix",), relations={"vrf": "ipam.vrf", "tenant": "tenancy.tenant"},
        choices={"status": _PREFIX_STATUS},
        defaults={"status": "active", "is_pool": False, "mark_utilized": False, "description": "", "comments": "",
                  "children": 0, "_depth": 0},
        texts=("prefix", "description"),
        missing=("within", "within_include", "contains", "depth", "children", "mask_length", "present_in_vrf",
                 "present_in_vrf_id", "vlan_group", "vlan_group_id", "vlan_id", "vlan_vid", "role", "role_id",
                 "is_pool", "mark_utilized", "scope_id", "scope_type", "region", "region_id", "site", "site_id",
                 "site_group", "site_group_id", "location", "location_id", "contact", "contact_group",
                 "contact_role", "owner", "owner_id"),
    ),
    Model(
        "extras.tag", "extras/tags", "tag",
        (*_HEAD, "name", "slug", "color", "description", "weight", "object_types", "tagged_items", "created",
         "last_updated"),
        brief=("id", "url", "display", "name", "slug", "color", "description"), required=("name", "slug"),
        unique=("name", "slug"),
        defaults={"color": "9e9e9e", "description": "", "weight": 1000, "object_types": [], "tagged_items": 0},
        texts=("name", "slug", "color", "description"), numbers=("weight",),
        missing=("content_type", "content_type_id", "for_object_type_id"),
    ),
    Model(
        "extras.customfield", "extras/custom-fields", "custom field",
        (*_HEAD, "object_types", "type", "related_object_type", "data_type", "name", "label", "group_name",
         "description", "required", "unique", "search_weight", "filter_logic", "ui_visible", "ui_editable",
         "is_cloneable", "default", "related_object_filter", "weight", "validation_minimum", "validation_maximum",
         "validation_regex", "choice_set", "owner", "comments", "created", "last_updated"),
        named_by=("label", "name"), required=("name", "type", "object_types"), unique=("name",),
        choices={"type": _FIELD_TYPES,
                 "filter_logic": {"disabled": "Disabled", "loose": "Loose", "exact": "Exact"},
                 "ui_visible": {"always": "Always"}, "ui_editable": {"yes": "Yes"}},
        defaults={"label": "", "group_name": "", "description": "", "required": False, "unique": False,
                  "search_weight": 1000, "filter_logic": "loose", "ui_visible": "always", "ui_editable": "yes",
                  "is_cloneable": False, "weight": 100, "validation_regex": "", "comments": "",
                  "data_type": "string"},
        texts=("name", "label", "description", "group_name"),
        missing=("object_type", "object_type_id", "related_object_type", "choice_set", "choice_set_id"),
    ),
    Model(
        "core.objectchange", "core/object-changes", "object change",
        (*_HEAD, "time", "user", "user_name", "request_id", "action", "changed_object_type", "changed_object_id",
         "changed_object", "object_repr", "message", "prechange_data", "postchange_data"),
        brief=("id", "url", "display", "time", "action"), named_by=("object_repr",), required=(),
        choices={"action": {"create": "Created", "update": "Updated", "delete": "Deleted"}},
        texts=("user_name", "request_id", "object_repr", "changed_object_type"), numbers=("changed_object_id",),
        times=(), missing=("user", "user_id", "changed_object_type_id", "related_object_type", "related_object_id"),
        read_only=True,
    ),
]  # fmt: skip

MODELS: dict[str, Model] = {model.label: model for model in _ALL}
BY_PATH: dict[str, Model] = {model.path: model for model in _ALL}
# Those that carry tags and custom fields.
TAGGED = frozenset(model.label for model in _ALL if "tags" in model.fields)
