from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sightglass.generation.image_prompts import (
    VARIATIONS,
    image_prompt,
    image_seed,
    partners_of,
)
from sightglass.inputs.class_book import ClassBook, ClassEntry, Confusable

CAT, DOG, SLUG, STAMP = (
    ClassEntry(name="cat"),
    ClassEntry(name="dog"),
    ClassEntry(name="sea_slug"),
    ClassEntry(name="stamp", image_prompts=("A stamp.", "Another stamp.")),
)
BOOK = ClassBook(
    classes=(CAT, DOG, SLUG, STAMP),
    confusable=(
        Confusable(classes=("cat", "dog"), shared_features=("four legs", "short_fur")),
        Confusable(classes=("cat", "sea_slug"), shared_features=("a soft body",)),
        Confusable(classes=("dog", "sea_slug")),
    ),
)
PARTNERS = partners_of(BOOK)
PLAIN = partners_of(ClassBook(classes=(CAT, DOG, SLUG)))


def test_a_class_without_partner_is_asked_for_plainly() -> None:
    prompt = image_prompt(SLUG, PLAIN, slot=0, attempt=0)
    assert prompt.text == f"A realistic photograph. Subject: sea slug. {VARIATIONS[0]}"
    assert (prompt.partner, prompt.features) == (None, ())


def test_a_confused_class_shows_what_it_shares_and_partners_take_turns() -> None:
    prompts = [image_prompt(CAT, PARTNERS, slot=slot, attempt=0) for slot in range(3)]
    assert [prompt.partner for prompt in prompts] == ["dog", "sea_slug", "dog"]
    assert prompts[0].features == ("four legs", "short_fur")
    assert "Subject: cat. Clearly visible: four legs, short fur. " in prompts[0].text
    assert "Subject: cat. Clearly visible: a soft body. " in prompts[1].text


def test_the_partner_is_not_named_in_the_prompt() -> None:
    assert "dog" not in image_prompt(CAT, PARTNERS, slot=0, attempt=0).text


def test_a_pair_that_shares_no_known_feature_counts_as_no_pair() -> None:
    partners = [image_prompt(DOG, PARTNERS, slot=slot, attempt=0).partner for slot in range(3)]
    assert partners == ["cat"] * 3


def test_in_a_group_each_class_has_all_others_as_partners() -> None:
    group = Confusable(classes=("cat", "dog", "sea_slug"), shared_features=("an eye",))
    partners = partners_of(ClassBook(classes=(CAT, DOG, SLUG), confusable=(group,)))
    found = [image_prompt(DOG, partners, slot=slot, attempt=0).partner for slot in range(3)]
    assert found == ["cat", "sea_slug", "cat"]


def test_a_persons_own_prompts_are_used_in_turn_and_word_for_word() -> None:
    asked = [(0, 0), (1, 0), (2, 0), (0, 1)]
    texts = [image_prompt(STAMP, PARTNERS, slot=s, attempt=a).text for s, a in asked]
    assert texts == ["A stamp.", "Another stamp.", "A stamp.", "Another stamp."]


def test_pictures_of_a_class_differ_in_view_until_all_variations_are_used() -> None:
    texts = [image_prompt(DOG, PLAIN, slot=s, attempt=0).text for s in range(len(VARIATIONS))]
    assert len(set(texts)) == len(VARIATIONS)


def test_attempts_at_one_picture_go_through_all_variations() -> None:
    texts = [image_prompt(DOG, PLAIN, slot=1, attempt=a).text for a in range(len(VARIATIONS))]
    assert len(set(texts)) == len(VARIATIONS)


@given(st.integers(-(2**40), 2**40), st.text(min_size=1), st.integers(0, 99), st.integers(0, 9))
def test_a_seed_fits_every_generator_and_is_the_same_again(
    seed: int, name: str, slot: int, attempt: int
) -> None:
    drawn = image_seed(seed, name, slot=slot, attempt=attempt)
    assert 0 <= drawn < 2**31
    assert drawn == image_seed(seed, name, slot=slot, attempt=attempt)


def test_every_picture_of_a_run_has_its_own_seed() -> None:
    drawn = {
        image_seed(seed, name, slot=slot, attempt=attempt)
        for seed in (0, 1)
        for name in ("cat", "dog", "cat1")
        for slot in range(12)
        for attempt in range(12)
    }
    assert len(drawn) == 2 * 3 * 12 * 12
