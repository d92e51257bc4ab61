from __future__ import annotations

from sightglass.distillation.prompts.general_templates import GENERAL_TEMPLATES


def test_there_are_sixty_templates_no_two_alike() -> None:
    assert len(GENERAL_TEMPLATES) == len(set(GENERAL_TEMPLATES)) == 60


def test_each_is_one_sentence_with_one_place_for_a_name() -> None:
    for template in GENERAL_TEMPLATES:
        assert template.count("{}") == 1
        assert template.count("{") == template.count("}") == 1
        assert template.endswith(" {}.")
        assert template == template.lower().strip()
        assert "  " not in template
