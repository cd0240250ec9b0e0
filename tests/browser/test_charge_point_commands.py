"""The page from which an operator's manager commands a charge point."""

import pytest
from django.urls import reverse

from apps.ocpp import commands, services
from apps.ocpp.models import Command
from tests.browser.conftest import SIZES, sign_in

URL = "admin:ocpp_chargepoint_commands"


@pytest.fixture
def manager(factory):
    services.register("CP-1")
    operator = factory.make_operator()
    factory.make_connector(factory.make_evse(factory.make_station(operator), charge_point_id="CP-1"))
    commands.get_configuration(charge_point_id="CP-1", asked_by="somebody")
    told = {"HeartbeatInterval": {"value": "60", "readonly": False}}
    Command.objects.update(state="ACCEPTED", answer="1 keys", told=told)
    return factory.make_staff(operator)


def test_a_command_is_asked_for(open_page, manager, size, assert_fits):
    page = open_page(reverse(URL, args=["CP-1"]), size=size, user=manager)
    assert_fits(page)
    form = page.locator("#unlock")
    form.get_by_label("Plug number").fill("2")
    form.get_by_role("button", name="Unlock a plug").click()
    page.get_by_text("Asked for. The answer appears below.").wait_for()
    assert Command.objects.first().payload == {"connector_id": 2}


def test_everybody_can_use_it(chromium, server, manager, size, theme, assert_no_axe_violations):
    """Without the ear for the console: axe brings a style of its own, which the policy of the page rightly refuses."""
    context = chromium.new_context(viewport=SIZES[size], color_scheme=theme)
    sign_in(context, manager, server)
    page = context.new_page()
    page.goto(server + reverse(URL, args=["CP-1"]))
    page.get_by_text("What it told").click()
    assert_no_axe_violations(page)
    context.close()
