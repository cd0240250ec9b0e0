"""Who takes part in the built-in registry: add, list, revoke; and apply, to have ourselves taken into a remote one."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.beckn import registry, subscription
from apps.beckn.models import Side, Subscriber
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock
from apps.lib.errors import Refused


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        doing = parser.add_subparsers(dest="doing", required=True)
        add = doing.add_parser("add", help="subscribe a participant, or a further key of one")
        add.add_argument(
            "--id", required=True, help="its subscriber id, as in keyId and context.bap_id/bpp_id"
        )
        add.add_argument("--url", required=True, help="where it takes messages, without the action")
        add.add_argument("--type", required=True, choices=Subscriber.Type.values)
        add.add_argument("--key-id", required=True, help="its unique_key_id")
        add.add_argument("--public-key", required=True, help="Ed25519, base64 (32 bytes, or DER)")
        add.add_argument("--encryption-public-key", default="", help="X25519, base64")
        add.add_argument("--domain", default=settings.BECKN["DOMAIN"])
        add.add_argument("--valid-until", help="RFC 3339; without it the key is valid until revoked")
        listing = doing.add_parser("list", help="everybody, with state and validity")
        listing.add_argument("--id", help="only this subscriber")
        revoke = doing.add_parser("revoke", help="believe nothing from this participant any more")
        revoke.add_argument("--id", required=True)
        revoke.add_argument("--key-id", help="only this key")
        revoke.add_argument("--why", default="revoked by an administrator")
        doing.add_parser("apply", help="ask the remote registry (BECKN_REGISTRY_URL) to take us in")

    def handle(self, *args: Any, doing: str, **options: Any) -> None:
        try:
            getattr(self, doing)(options)
        except Refused as refusal:
            raise CommandError(str(refusal.message)) from refusal

    def add(self, options: dict[str, Any]) -> None:
        self._need_built_in()
        until = wire.read_instant(options["valid_until"])
        if options["valid_until"] and until is None:
            raise CommandError("--valid-until must be a time like 2027-01-31T00:00:00Z.")
        row = registry.add_subscriber(
            subscriber_id=options["id"],
            url=options["url"],
            type=options["type"],
            key_id=options["key_id"],
            public_key=options["public_key"],
            encryption_public_key=options["encryption_public_key"],
            domain=options["domain"],
            valid_until=until,
        )
        self.stdout.write(self.style.SUCCESS(f"{row} is subscribed as {row.type} at {row.url}."))

    def list(self, options: dict[str, Any]) -> None:
        rows = Subscriber.objects.all()
        if options["id"]:
            rows = rows.filter(subscriber_id=options["id"])
        for row in rows:
            until = f"until {clock.utc_text(row.valid_until)}" if row.valid_until else ""
            line = (
                row.subscriber_id,
                row.key_id,
                row.type,
                row.state,
                row.url,
                row.signing_public_key,
                until,
            )
            self.stdout.write("\t".join(line).rstrip())
        if not rows:
            self.stdout.write(
                "Nobody is in the built-in registry yet. Add one: manage.py subscribers add --help"
            )

    def revoke(self, options: dict[str, Any]) -> None:
        self._need_built_in()
        rows = Subscriber.objects.filter(subscriber_id=options["id"])
        if options["key_id"]:
            rows = rows.filter(key_id=options["key_id"])
        if not rows:
            raise CommandError(f"{options['id']} is not in the built-in registry (see: subscribers list).")
        for row in rows:
            registry.revoke(row, why=options["why"])
            self.stdout.write(self.style.SUCCESS(f"{row} is revoked."))

    def apply(self, options: dict[str, Any]) -> None:
        if not settings.BECKN["REGISTRY_URL"]:
            raise CommandError("There is no remote registry: BECKN_REGISTRY_URL is not set.")
        for side in Side:
            if side.lower() in settings.ROLES:
                came = subscription.apply(side)
                said = came.text or came.error_message
                self.stdout.write(f"{registry.own_id(side)}: {came.http_status or 'no answer'} {said}")

    def _need_built_in(self) -> None:
        if settings.BECKN["REGISTRY_URL"]:
            raise CommandError(
                f"This portal asks the registry at {settings.BECKN['REGISTRY_URL']}; the built-in one is not in use."
            )
