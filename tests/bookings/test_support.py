from tests.bookings.doubles import code_of


def test_an_orders_own_operator_answers_even_among_many(factory, app, placed):
    factory.make_operator(code="another", email="care@another.example")
    operator = placed.connector.evse.station.operator
    operator.email = "care@sparkdock.example"
    operator.save(update_fields=["email"])
    told = app.ask("support", {"support": {"ref_id": placed.code}})
    support = told["message"]["support"]
    assert "/support/TK-" in support.pop("url")
    assert support == {"ref_id": placed.code, "email": "care@sparkdock.example"}


def test_nobody_answers_for_an_order_that_does_not_exist(factory, app, placed):
    factory.make_operator(code="another")
    assert code_of(app.ask("support", {"support": {"ref_id": "BK-NOSUCH00"}})) == "30010"
