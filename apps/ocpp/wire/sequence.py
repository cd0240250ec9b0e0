"""Sequence numbers that were heard, as few unbroken rows as may be: [[0, 7], [9, 9]] lacks 8."""

Seen = list[list[int]]


def seen_with(seen: Seen, number: int) -> Seen:
    joined: Seen = []
    for first, last in sorted([*seen, [number, number]]):
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return joined


def covers(seen: Seen, first: int, last: int) -> bool:
    """Was every number from `first` to `last` heard?"""
    return any(low <= first and last <= high for low, high in seen)
