"""What is said to a person about their account."""

from datetime import datetime

from portal.notices.message import Button, Fact, Message
from portal.notices.words import address, gettext, moment


def password_reset(email: str, token: str, minutes: int) -> Message:
    """The link that sets a new password; ``minutes`` is how long it works."""
    return Message(
        subject=gettext("Set a new password"),
        title=gettext("Set a new password"),
        paragraphs=(
            gettext("Somebody, most likely you, asked for a new password for %(email)s.", email=email),
            gettext("The link works once, for %(minutes)s minutes.", minutes=minutes),
            gettext("If it was not you, ignore this mail: your password stays as it is."),
        ),
        button=Button(gettext("Choose a new password"), address(f"/reset-password/{token}")),
        why=_because_of_account(email),
    )


def password_changed(email: str, changed_at: datetime) -> Message:
    """The password was changed: what to do if it was somebody else."""
    return Message(
        subject=gettext("Your password was changed"),
        title=gettext("Your password was changed"),
        paragraphs=(
            gettext("If it was you, you have nothing to do."),
            gettext("If it was not you, set a new password now. That also signs out everybody who uses your account."),
        ),
        facts=(Fact(gettext("Account"), email), Fact(gettext("Changed on"), moment(changed_at))),
        button=Button(gettext("Set a new password"), address("/forgot-password")),
        why=_because_of_account(email),
        tone="warn",
    )


def _because_of_account(email: str) -> str:
    return gettext("You receive this mail because it concerns the security of the account %(email)s.", email=email)
