"""Files of a message. They were checked before the transaction began (forms.py, files.py)."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from apps.support.files import OF_A_TICKET, Checked
from apps.support.models import Attachment, TicketMessage
from apps.support.services.steps import NotNow


def attach(message: TicketMessage, files: Iterable[Checked]) -> None:
    """Inside the transaction that wrote the message."""
    files = list(files)
    if not files:
        return
    ticket = message.ticket
    before = ticket.attachments.count()
    if before + len(files) > OF_A_TICKET:
        raise NotNow(_("This report has as many files as it can keep."))
    Attachment.objects.bulk_create(
        Attachment(
            ticket=ticket,
            message=message,
            content_type=file.content_type,
            name=f"{ticket.code}-{number}.{file.extension}",
            size=len(file.data),
            data=file.data,
        )
        for number, file in enumerate(files, before + 1)
    )
