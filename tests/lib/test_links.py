from apps.lib.links import is_link


def test_what_is_no_text_is_no_link():
    assert is_link("https://photos.example/1.jpg?w=480#top")
    assert not any(is_link(odd) for odd in (None, 5, b"https://x/1.jpg", ["https://x/1.jpg"]))
