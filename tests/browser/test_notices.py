"""The page of notices in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.notices import pushes
from apps.notices.models import Device, Notice
from tests.notices.browser_keys import BrowserKeys
from tests.orders.stage import Stage


@pytest.fixture
def charged() -> Stage:
    driver = User.objects.create_user("asha@example.org", name="Asha Rao", phone="+919845012345")
    stage = Stage(driver)
    stage.until("SETTLED")
    return stage


def test_the_page_looks_right(
    open_page, charged, size, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    page = open_page("/me/notices/", size=size, theme=theme, user=charged.driver)
    expect(page.get_by_text("Receipt: Cubbon Park Plaza")).to_be_visible()
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"notices-{size}-{theme}")


def test_switches_work_by_keyboard(open_page, charged):
    page = open_page("/me/notices/", user=charged.driver)
    box = page.get_by_role("checkbox", name="Energy flows, by e-mail")
    box.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Energy flows, by e-mail")).to_be_checked()


# --- Pushes -----------------------------------------------------------------------------------------------

# No push service is reached from here: the browser's part of it is played, the rest is real.
PLAYED = """
const played = { endpoint: "http://127.0.0.1:9/send/1", keys: { p256dh: "%s", auth: "%s" } };
const unsubscribe = async () => sessionStorage.removeItem("played");
const subscription = { ...played, toJSON: () => played, unsubscribe };
PushManager.prototype.getSubscription = async () => sessionStorage.getItem("played") ? subscription : null;
PushManager.prototype.subscribe = async (options) => {
  sessionStorage.setItem("played", new Uint8Array(options.applicationServerKey).length);
  return subscription;
};
"""


@pytest.fixture
def page(open_page, charged) -> Page:
    page = open_page("/me/notices/", user=charged.driver)
    page.context.grant_permissions(["notifications"])
    keys = BrowserKeys()
    page.add_init_script(PLAYED % (keys.p256dh, keys.auth))
    page.reload()
    return page


def test_this_browser_is_signed_up_and_off(page, charged, assert_no_axe_violations, keep_picture):
    page.get_by_role("button", name="Tell me on this device").click()
    off = page.get_by_role("button", name="Not on this device any more")
    expect(off).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('played')") == "65"  # our key is a point of the curve
    assert Device.objects.get().person == charged.driver
    assert_no_axe_violations(page)
    keep_picture(page, "notices-device")
    off.click()
    expect(page.get_by_role("button", name="Tell me on this device")).to_be_visible()
    assert not Device.objects.exists()


def until(page, look, seconds: int = 20):
    """What `look` finds, as soon as it finds something."""
    for _try in range(4 * seconds):
        if found := look():
            return found
        page.wait_for_timeout(250)
    raise AssertionError("it never came")


def test_what_comes_is_shown_and_leads_to_the_charge(page, charged):
    page.get_by_role("button", name="Tell me on this device").click()
    expect(page.get_by_role("button", name="Not on this device any more")).to_be_visible()
    line, found = page.context.new_cdp_session(page), []
    line.on("ServiceWorker.workerRegistrationUpdated", lambda said: found.extend(said["registrations"]))
    line.send("ServiceWorker.enable")
    page.wait_for_function(
        """async () => {
            const known = await navigator.serviceWorker.getRegistration('/static/js/push-worker.js');
            return Boolean(known && known.active);
        }"""
    )
    until(page, lambda: found)
    push = {
        "origin": page.evaluate("location.origin"),
        "registrationId": found[0]["registrationId"],
        "data": pushes._words(Notice.objects.filter(happening="RECEIPT").first()).decode(),
    }

    def shown() -> list[str] | None:
        line.send("ServiceWorker.deliverPushMessage", push)  # a worker that was just stopped may miss one
        return page.evaluate(
            """async () => {
                const known = await navigator.serviceWorker.getRegistration('/static/js/push-worker.js');
                const [one] = await known.getNotifications();
                return one ? [one.title, one.body, one.data.path] : null;
            }"""
        )

    assert until(page, shown) == [
        "Receipt: Cubbon Park Plaza",
        "16.00 kWh, you pay ₹361.08.",
        charged.order.get_absolute_url(),
    ]
