import re

import pytest
from django.core import mail
from playwright.sync_api import expect

from apps.accounts import services
from apps.accounts.models import User


@pytest.fixture
def asha():
    return User.objects.create_user("asha@example.org", "a-quiet-night-7", name="Asha Rao")


@pytest.mark.parametrize("path", ["login/", "signup/", "password/reset/"])
def test_the_way_in_is_for_everybody(open_page, size, theme, path, assert_no_axe_violations, assert_fits):
    page = open_page(f"/accounts/{path}", size=size, theme=theme)
    assert_no_axe_violations(page)
    assert_fits(page)


def test_signing_in_leads_to_where_one_wanted_to_go(open_page, asha, assert_no_axe_violations):
    page = open_page("/me/")
    page.get_by_label("Email").fill("asha@example.org")
    page.get_by_label("Password").fill("a-quiet-night-7")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Asha Rao")).to_be_visible()
    assert_no_axe_violations(page)


def test_a_wrong_password_is_said_beside_the_form(open_page, asha, assert_no_axe_violations):
    page = open_page("/accounts/login/")
    page.get_by_label("Email").fill("asha@example.org")
    page.get_by_label("Password").fill("not-this-one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".errorlist")).to_be_visible()
    assert_no_axe_violations(page)


def test_signing_up(open_page):
    page = open_page("/accounts/signup/")
    page.get_by_label("Your name").fill("Ravi Kumar")
    page.get_by_label("Email").fill("Ravi@Example.org")
    page.get_by_label("Password").fill("monsoon-over-mysuru")
    page.get_by_role("button", name="Make an account").click()
    expect(page).not_to_have_url(re.compile("signup"))
    assert User.objects.get(email="ravi@example.org").name == "Ravi Kumar"


def test_a_forgotten_password_is_replaced_by_mail(open_page, asha, server):
    page = open_page("/accounts/login/")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("Email").fill("asha@example.org")
    page.get_by_role("button", name="Send me the link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    link = re.search(r"http://\S+", mail.outbox[-1].body)[0]
    page.goto(link)
    page.get_by_label("New Password", exact=True).fill("another-quiet-night")
    page.get_by_label("New Password (again)").fill("another-quiet-night")
    page.get_by_role("button", name="Save the new password").click()
    expect(page.get_by_role("heading", name="Your password is changed")).to_be_visible()
    asha.refresh_from_db()
    assert asha.check_password("another-quiet-night")


def test_going_on_as_a_guest(open_page, size, theme, assert_no_axe_violations, assert_fits, keep_picture):
    page = open_page("/accounts/login/?next=/orders/new/", size=size, theme=theme)
    form = page.locator("form", has=page.get_by_role("button", name="Go on as a guest"))
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"guest-{size}-{theme}")
    form.get_by_label("E-mail address").fill("guest@example.org")
    form.get_by_role("button", name="Go on as a guest").click()
    page.wait_for_url("**/orders/new/")
    page.goto("/me/")
    expect(page.get_by_text("guest@example.org").last).to_be_visible()
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"guest-me-{size}-{theme}")
    page.get_by_role("button", name="I have an account").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_demo_person_signs_in_with_one_press(open_page, settings, assert_no_axe_violations):
    settings.DEMO = True
    services.make_demo_people()
    page = open_page("/accounts/login/?next=/me/")
    assert_no_axe_violations(page)
    page.get_by_role("button", name="Operator, manager").click()
    expect(page.get_by_role("heading", name="Meera Iyer")).to_be_visible()
