"""Ids that look like Stripe's: random, or reproducible from a seed.

A seeded id is a hash of the seed and a counter that is stored with the state, so that a run that is
killed and started again goes on where it stopped instead of handing out the same ids twice.
"""

import hashlib
import secrets
import string

_ALPHABET = string.ascii_letters + string.digits

# prefix -> (what stands before the random part, length of the random part)
_SHAPES = {
    "acct": ("acct_1", 15), "prod": ("prod_", 14), "price": ("price_1", 23), "cus": ("cus_", 14),
    "pm": ("pm_1", 23), "cs": ("cs_test_a1", 56), "sub": ("sub_1", 23), "si": ("si_", 14),
    "in": ("in_1", 23), "il": ("il_1", 23), "inpay": ("inpay_1", 23), "pi": ("pi_3", 23),
    "ch": ("ch_3", 23), "re": ("re_3", 23), "seti": ("seti_1", 23), "evt": ("evt_1", 23),
    "we": ("we_1", 23), "li": ("li_1", 23), "req": ("req_", 14), "whsec": ("whsec_", 32),
    "wdl": ("wdl_", 14), "mail": ("mail_", 14), "secret": ("", 24),
    "clock": ("clock_1", 23), "upcoming": ("upcoming_in_1", 23),
    "coupon": ("", 8), "promo": ("promo_1", 23), "promotion": ("", 8), "di": ("di_1", 23), "txr": ("txr_1", 23),
    "txi": ("txi_1", 23),
    "ii": ("ii_1", 23), "cbtxn": ("cbtxn_1", 23), "mtr": ("mtr_test_6", 30), "meter_event": ("", 24),
    "thin": ("evt_test_6", 30), "mandate": ("mandate_1", 23), "setatt": ("setatt_1", 23), "py": ("py_3", 23),
    "pyr": ("pyr_1", 23), "txn": ("txn_3", 23), "po": ("po_1", 23), "du": ("du_1", 23), "cn": ("cn_1", 23),
    "cnli": ("cnli_1", 23), "bps": ("bps_1", 23), "bpc": ("bpc_1", 23), "sub_sched": ("sub_sched_1", 23),
}  # fmt: skip


class Ids:
    """Makes ids. `drawn` counts the seeded ones and belongs to the stored state."""

    def __init__(self, seed: int | None = None, drawn: int = 0) -> None:
        self.seed = seed
        self.drawn = drawn

    def new(self, prefix: str) -> str:
        """A new id of the kind that `prefix` names, for example `cus` -> cus_Ab12..."""
        head, length = _SHAPES[prefix]
        return head + self._tail(length)

    def _tail(self, length: int) -> str:
        if self.seed is None:
            return "".join(secrets.choice(_ALPHABET) for _ in range(length))
        self.drawn += 1
        number = int.from_bytes(hashlib.sha512(f"{self.seed}:{self.drawn}".encode()).digest(), "big")
        letters = []
        for _ in range(length):
            number, index = divmod(number, len(_ALPHABET))
            letters.append(_ALPHABET[index])
        return "".join(letters)
