"""The driver without a browser finds forms and buttons as a person would."""

import pytest
import requests

from tests.foreign.driver import DriverBrowser, Page

HTML = """
<title>Not seen</title><script>let unseen = "Pay now"</script>
<form action="/search/"><input name="q" value="Hebbal"><button>Search</button></form>
<form method="post" action="/orders/new/1/" id="quote">
  <input type="hidden" name="csrfmiddlewaretoken" value="t0ken">
  <input name="kwh" type="number" value="10"><textarea name="note">hello</textarea>
  <select name="unit"><option value="kwh">kWh</option><option value="inr" selected>money</option></select>
  <input type="radio" name="plug" value="a"><input type="radio" name="plug" value="b" checked>
  <button type="button">Not a submit</button>
</form>
<footer><button form="quote" name="how" value="fast" aria-label="Get quote"><svg>x</svg></button></footer>
<p>Energy <b>5 kWh</b></p><a href="/stations/7/">Ulsoor
 Lake</a>
"""


@pytest.fixture
def page() -> Page:
    answer = requests.Response()
    answer._content, answer.status_code, answer.url = HTML.encode(), 200, "http://portal/"
    return Page.of(answer)


def test_button_is_found_by_its_words_even_outside_its_form(page):
    form, button = page.form_with_button("get quote")
    assert (form.method, form.action, button.name, button.value) == ("post", "/orders/new/1/", "how", "fast")
    assert page.form_with_button("not a submit") is None
    assert page.form_with_button(r"/orders/new/\d+/$") == (form, button)


def test_fields_have_the_values_a_browser_would_send(page):
    form, _ = page.form_with_button("get quote")
    assert form.fields == {
        "csrfmiddlewaretoken": "t0ken",
        "kwh": "10",
        "note": "hello",
        "unit": "inr",
        "plug": "b",
    }
    assert form.choices == {"unit": ["kwh", "inr"], "plug": ["a", "b"]}


def test_text_is_what_a_person_reads(page):
    assert page.has("energy 5 kwh")
    assert not page.has("unseen|not seen")
    assert page.link("ulsoor lake") == page.link("/stations/") == "/stations/7/"


def test_missing_button_and_missing_field_are_told(page):
    driver = DriverBrowser("http://portal/")
    driver.page = page
    with pytest.raises(AssertionError, match="no button like 'stop'"):
        driver.press("stop")
    with pytest.raises(AssertionError, match="no fields"):
        driver.press("get quote", watts=3)
    driver.close()
