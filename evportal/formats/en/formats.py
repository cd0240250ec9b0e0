"""English as India writes it: day first, 24 hours, lakh and crore. Money groups by currency (apps/lib/money.py)."""

DATE_FORMAT = "j F Y"
SHORT_DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j F Y, H:i"
SHORT_DATETIME_FORMAT = "j M Y, H:i"
TIME_FORMAT = "H:i"
MONTH_DAY_FORMAT = "j F"
NUMBER_GROUPING = (3, 2, 0)
