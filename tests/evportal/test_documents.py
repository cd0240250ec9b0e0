import re

from django.conf import settings


def test_every_setting_is_documented():
    read = set(
        re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (settings.BASE_DIR / "evportal" / "settings.py").read_text())
    )
    told = set(re.findall(r"`([A-Z_]+)`", (settings.BASE_DIR / "docs" / "configuration.md").read_text()))
    assert read - told == set()
