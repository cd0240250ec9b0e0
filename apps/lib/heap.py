"""How a long-lived process looks for garbage. Python's own pace is made for small scripts."""

import gc

# A catalog of fifty stations is some 40 000 small objects that live for a moment. At Python's pace of 700 the collector
# walks through them again and again and takes half of the time; at this pace it looks once per catalog.
NEW_OBJECTS = 50_000
OLDER = 20


def settle() -> None:
    """Call it once, when everything is loaded: what is there by now stays for good and need not be walked through."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, OLDER, OLDER)
