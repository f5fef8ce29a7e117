"""One aggregate per file: columns, predicates, legal transitions. Importing this package fills the metadata."""

from portal.models.adjustments import Adjustment
from portal.models.api_keys import ApiKey
from portal.models.audit import AuditEntry
from portal.models.base import Model
from portal.models.cancellations import Cancellation
from portal.models.checkouts import Checkout
from portal.models.collection import CollectionAttempt, MethodSetup, PolicySettings, Standing
from portal.models.coupons import Coupon, CouponRedemption
from portal.models.credit_notes import CreditNote
from portal.models.customers import Customer
from portal.models.disputes import Dispute
from portal.models.installation import Installation
from portal.models.invoices import Invoice, InvoiceDocument, InvoiceLine, Payment
from portal.models.notices import Notice
from portal.models.plan_changes import PlanChange
from portal.models.plans import Plan, PlanPrice
from portal.models.refunds import Refund
from portal.models.sources import UsageSource, UsageSourceLink
from portal.models.steps import LegalStep, Step
from portal.models.subscriptions import PaymentMethod, Subscription
from portal.models.taxes import TaxExemption, TaxRate
from portal.models.tenants import BillingDetails, Tenant, TenantSlug
from portal.models.usage import (
    PlanResource,
    PlanResourceVersion,
    Resource,
    UsageCharge,
    UsageEvent,
    UsageKey,
    UsagePeriod,
    UsageRetiredMonth,
    UsageRollup,
    UsageUnique,
)
from portal.models.users import (
    EmailAddress,
    LoginAttempt,
    Membership,
    PasswordReset,
    StaffMember,
    User,
    UserSession,
)
from portal.models.work import (
    DriftFinding,
    Heartbeat,
    MetricValue,
    OutboxRow,
    PeriodicTask,
    StripeCursor,
    StripeCustomer,
    StripeEvent,
    StripeObject,
)

__all__ = [
    "Adjustment",
    "ApiKey",
    "AuditEntry",
    "BillingDetails",
    "Cancellation",
    "Checkout",
    "CollectionAttempt",
    "Coupon",
    "CouponRedemption",
    "CreditNote",
    "Customer",
    "Dispute",
    "DriftFinding",
    "EmailAddress",
    "Heartbeat",
    "Installation",
    "Invoice",
    "InvoiceDocument",
    "InvoiceLine",
    "LegalStep",
    "LoginAttempt",
    "Membership",
    "MethodSetup",
    "MetricValue",
    "Model",
    "Notice",
    "OutboxRow",
    "PasswordReset",
    "Payment",
    "PaymentMethod",
    "PeriodicTask",
    "Plan",
    "PlanChange",
    "PlanPrice",
    "PlanResource",
    "PlanResourceVersion",
    "PolicySettings",
    "Refund",
    "Resource",
    "StaffMember",
    "Standing",
    "Step",
    "StripeCursor",
    "StripeCustomer",
    "StripeEvent",
    "StripeObject",
    "Subscription",
    "TaxExemption",
    "TaxRate",
    "Tenant",
    "TenantSlug",
    "UsageCharge",
    "UsageEvent",
    "UsageKey",
    "UsagePeriod",
    "UsageRetiredMonth",
    "UsageRollup",
    "UsageSource",
    "UsageSourceLink",
    "UsageUnique",
    "User",
    "UserSession",
]
