"""Mail: notices of tenants and mails to single users."""

from portal.notices import staff_alerts
from portal.notices.account_mails import send_password_changed, send_password_reset
from portal.notices.deliveries import send_notice
from portal.outbox import handler

handler("mail.send")(send_notice)
handler("mail.password_reset")(send_password_reset)
handler("mail.password_changed")(send_password_changed)
handler("staff.alert")(staff_alerts.spread)
handler("mail.staff")(staff_alerts.send)
