from django import template

from apps.accounts.services import DEMO_PASSWORD, DEMO_PEOPLE

register = template.Library()


@register.simple_tag
def demo_people() -> dict:
    return {"all": DEMO_PEOPLE, "password": DEMO_PASSWORD}
