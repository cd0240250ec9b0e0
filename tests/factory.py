"""Rows for tests: small, plain, and unlike each other where a constraint wants it. Rooms append their own."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from apps.accounts.models import User, Vehicle, VehicleModel
from apps.catalog.models import Connector, Evse, Operator, Staff, Station, Tariff
from apps.catalog.services import letter_of

NOON = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)  # in Bengaluru


class Factory:
    def __init__(self) -> None:
        self._numbers = count(1)

    def _next(self, what: str) -> str:
        return f"{what}-{next(self._numbers)}"

    # --- accounts -------------------------------------------------------------------------------------

    def make_user(self, email: str = "", **fields) -> User:
        return User.objects.create_user(email or f"{self._next('user')}@example.org", **fields)

    def make_vehicle_model(self, **fields) -> VehicleModel:
        """A car with a CCS2 inlet: 7.2 kW AC, 60 kW DC, sold since 2022."""
        facts = {
            "make": "Volta",
            "model": self._next("Model"),
            "year_from": 2022,
            "category": VehicleModel.Category.FOUR_WHEELER,
            "battery_kwh": Decimal(40),
            "ac_standards": ["IEC_62196_T2"],
            "max_ac_kw": Decimal("7.2"),
            "dc_standards": ["IEC_62196_T2_COMBO"],
            "max_dc_kw": Decimal(60),
            "source": VehicleModel.Source.BUILT_IN,
            **fields,
        }
        return VehicleModel.objects.create(**facts)

    def make_vehicle(self, user: User, model: VehicleModel | None = None, **fields) -> Vehicle:
        model = model or self.make_vehicle_model()
        return Vehicle.objects.create(user=user, model=model, **{"year": 2024, **fields})

    # --- catalog --------------------------------------------------------------------------------------

    def make_operator(self, **fields) -> Operator:
        code = fields.pop("code", "") or self._next("operator")
        return Operator.objects.create(code=code, **{"name": code.title(), **fields})

    def make_staff(self, operator: Operator, role: str = Staff.Role.MANAGER, **fields) -> User:
        user = self.make_user(is_staff=True, **fields)
        Staff.objects.create(user=user, operator=operator, role=role)
        return user

    def make_tariff(self, operator: Operator | None = None, **fields) -> Tariff:
        facts = {"code": self._next("tariff"), "name": "Day", "energy_rate": Decimal("18.5"), **fields}
        return Tariff.objects.create(operator=operator or self.make_operator(), **facts)

    def make_station(self, operator: Operator | None = None, **fields) -> Station:
        operator = operator or self.make_operator()
        facts = {
            "code": self._next("station"),
            "name": "Indiranagar Hub",
            "address": "100 Feet Road",
            "city": "Bengaluru",
            "lat": Decimal("12.971900"),
            "lon": Decimal("77.641200"),
            **fields,
        }
        return Station.objects.create(operator=operator, **facts)

    def make_evse(self, station: Station | None = None, **fields) -> Evse:
        name = self._next("evse")
        return Evse.objects.create(
            station=station or self.make_station(), **{"code": name, "label": name, **fields}
        )

    def make_connector(self, evse: Evse | None = None, **fields) -> Connector:
        """A 60 kW CCS2 plug: the first of a new EVSE, or the next of the given one."""
        evse = evse or self.make_evse()
        number = evse.connectors.count() + 1
        painted = Connector.objects.filter(evse__station=evse.station).count()
        facts = {
            "code": self._next("plug"),
            "letter": letter_of(painted),
            "ocpp_connector_id": number,
            "standard": "IEC_62196_T2_COMBO",
            "power_type": Connector.PowerType.DC,
            "max_kw": Decimal(60),
            **fields,
        }
        return Connector.objects.create(evse=evse, **facts)

    def make_priced_connector(self, evse: Evse | None = None, **fields) -> Connector:
        """A plug that can be sold now: it has a tariff, and was seen Available at `seen_at` (NOON)."""
        evse = evse or self.make_evse()
        seen_at = fields.pop("seen_at", NOON)
        tariff = fields.pop("tariff", None) or self.make_tariff(evse.station.operator)
        status = {"status": Connector.Status.AVAILABLE, "status_changed_at": seen_at, "last_seen_at": seen_at}
        return self.make_connector(evse, **{"tariff": tariff, **status, **fields})
