"""What a person of the operator should look at: one row per session and kind, however often it happens."""

from apps.charging.models import Concern, Session


def raise_(session: Session, kind: Concern.Kind, why: str) -> None:
    Concern.objects.bulk_create([Concern(session=session, kind=kind, why=why[:300])], ignore_conflicts=True)
