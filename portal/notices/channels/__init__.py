"""Channels carry messages. Each is one file with ``deliver(delivery)``, entered in :data:`CHANNELS` by name."""

from portal.notices.channels import mail
from portal.notices.channels.base import Channel

CHANNELS: dict[str, Channel] = {"mail": mail.deliver}

__all__ = ["CHANNELS"]
