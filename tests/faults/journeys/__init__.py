"""All that is lived through while processes die, the most expensive first."""

from tests.faults.disturbed import Disturbed
from tests.faults.journeys.account import Account
from tests.faults.journeys.changing import Changing
from tests.faults.journeys.coupons import Coupons
from tests.faults.journeys.duplicate import Duplicate
from tests.faults.journeys.failed_document import FailedDocument
from tests.faults.journeys.free import Free, Late
from tests.faults.journeys.giving_back import GivingBack
from tests.faults.journeys.leaving import Leaving
from tests.faults.journeys.left import Left
from tests.faults.journeys.measuring import Measuring
from tests.faults.journeys.metering import Metering, MonthsEnd
from tests.faults.journeys.owing import Owing
from tests.faults.journeys.password import Password
from tests.faults.journeys.paused import Paused
from tests.faults.journeys.publishing import Publishing
from tests.faults.journeys.purchase import Purchase
from tests.faults.journeys.strange import Strange
from tests.faults.journeys.taxed import Taxed
from tests.faults.journeys.turn import Turn

JOURNEYS: tuple[type[Disturbed], ...] = (
    Purchase,
    Duplicate,
    Coupons,
    Changing,
    Owing,
    Leaving,
    GivingBack,
    Taxed,
    Metering,
    MonthsEnd,
    Measuring,
    Paused,
    Left,
    Free,
    Late,
    FailedDocument,
    Strange,
    Publishing,
    Password,
    Account,
    Turn,
)
