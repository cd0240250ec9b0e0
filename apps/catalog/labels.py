"""Writes the codes on the plugs: issued, withdrawn, replaced, and what drivers report about the stickers."""

from collections.abc import Iterable
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.catalog.codes import LONGEST_TYPED, new_code
from apps.catalog.models import CodeReport, Connector, PlugCode, Station
from apps.lib import clock
from apps.lib.errors import Refused

log = structlog.get_logger(__name__)


class ReasonMissing(Refused):
    """Stickers in the field stop working: whoever asks later must read why."""

    def __init__(self) -> None:
        super().__init__(_("Say why the code is withdrawn. The reason is kept with the code."))


def issue_missing(*, station: Station, by: User) -> int:
    """A code for every plug on the posts of this station that has none. Number of new codes."""
    plugs = Connector.objects.filter(evse__station=station, is_published=True)
    return issue_for(plugs.exclude(plug_codes__in=PlugCode.objects.filter(revoked_at=None)), by=by)


def issue_for(plugs: Iterable[Connector], *, by: User | None) -> int:
    """Two who press at once make one code per plug: the constraint drops the second."""
    now = clock.now()
    codes = [PlugCode(connector=plug, code=new_code(), issued_at=now, issued_by=by) for plug in plugs]
    PlugCode.objects.bulk_create(codes, ignore_conflicts=True)
    return len(codes)


@transaction.atomic
def revoke(*, plug_code: PlugCode, by: User, reason: str) -> bool:
    """From now on the sticker explains that it was withdrawn. False when it was already: nothing changes then."""
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise ReasonMissing
    valid = PlugCode.objects.filter(pk=plug_code.pk, revoked_at=None)
    changed = valid.update(revoked_at=clock.now(), revoked_by=by, revoked_reason=reason)
    if changed:
        log.info("plug code revoked", code=plug_code.code, by=by.pk, reason=reason)
    return bool(changed)


@transaction.atomic
def replace(*, plug_code: PlugCode, by: User, reason: str) -> PlugCode | None:
    """Withdraw a code and give its plug a new one. None when it was withdrawn before."""
    if not revoke(plug_code=plug_code, by=by, reason=reason):
        return None
    return PlugCode.objects.create(
        connector_id=plug_code.connector_id, code=new_code(), issued_at=clock.now(), issued_by=by
    )


def report(*, key: UUID, typed: str, plug_code: PlugCode | None, what: str, words: str) -> CodeReport:
    """A driver says that the sticker looks wrong. The same form sent twice is one report."""
    facts = {
        "plug_code": plug_code,
        "typed": plug_code.code if plug_code else typed[:LONGEST_TYPED],
        "what": what,
        "words": words,
        "reported_at": clock.now(),
    }
    made, is_new = CodeReport.objects.get_or_create(key=key, defaults=facts)
    if is_new:
        log.warning("plug code reported", code=made.typed, what=what)
    return made


def settle_reports(*, by: User, reports: Iterable[CodeReport]) -> int:
    """Somebody looked at the stickers. Number of reports that were still open."""
    return _settle(CodeReport.objects.filter(pk__in=[one.pk for one in reports]), by)


def settle_reports_on(*, by: User, plug_code: PlugCode) -> int:
    """The same for all reports on one sticker."""
    return _settle(plug_code.reports.all(), by)


def _settle(reports: QuerySet[CodeReport], by: User) -> int:
    return reports.filter(settled_at=None).update(settled_at=clock.now(), settled_by=by)
