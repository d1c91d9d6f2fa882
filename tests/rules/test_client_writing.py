"""What is typed while a field still says what was sent from it."""

from client.model.writing import Writing


def test_what_is_typed_is_the_text() -> None:
    writing = Writing("a draft")
    writing.typed("a draft, longer")
    assert writing.text == "a draft, longer"
    assert writing.is_emptied


def test_a_field_that_empties_itself_begins_anew() -> None:
    writing = Writing("")
    writing.typed("satu")
    writing.sent()
    assert (writing.text, writing.is_emptied) == ("", False)
    writing.typed("")
    assert writing.is_emptied
    writing.typed("satu lagi")  # begins as what was sent
    assert writing.text == "satu lagi"


def test_what_was_sent_is_not_sent_again_from_a_field_that_still_has_it() -> None:
    writing = Writing("")
    writing.typed("satu")
    writing.sent()
    writing.typed("satud")
    writing.typed("satudua")
    assert (writing.text, writing.is_emptied) == ("dua", False)
    writing.sent()
    writing.typed("satuduatiga")
    assert writing.text == "tiga"
    writing.replaced()
    assert (writing.text, writing.is_emptied) == ("tiga", True)
    writing.typed("tiga, empat")
    assert writing.text == "tiga, empat"


def test_what_was_refused_stays_though_the_field_empties_itself() -> None:
    writing = Writing("")
    writing.typed("too long")
    writing.refused()
    writing.typed("")
    assert writing.text == "too long"
    writing.replaced()
    writing.typed("")
    assert writing.text == ""
