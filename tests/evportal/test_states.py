from django.conf import settings

from apps.lib.moves import check_moves
from evportal.states import document, moving_models


def test_every_table_of_moves_is_sound():
    assert moving_models()
    faults = {
        model._meta.label: check_moves(model.State, model.MOVES, getattr(model, "FIRST", ()))
        for model in moving_models()
    }
    assert not {label: found for label, found in faults.items() if found}


def test_the_document_tells_the_tables():
    assert (settings.BASE_DIR / "docs" / "states.md").read_text() == document(), (
        "run manage.py describe_states"
    )
