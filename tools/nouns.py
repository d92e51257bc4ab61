"""The bundled vocabulary is picked from the WordNet database by the rule below: write it.

    python tools/nouns.py /usr/share/wordnet

The folder is what `apt-get install wordnet-base` makes, or `dict` of Princeton's own archive. Only
`data.noun` and `index.noun` are read, and the same two files always give the same bytes.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wordnet import Database, Meaning, read_database

LIST = Path(__file__).parents[1] / "src" / "sightglass" / "distillation" / "prompts" / "nouns.txt"
TITLE = """\
{count} English nouns for things that one can take a picture of; see docs/vocabulary.md.
Picked from the WordNet database by tools/nouns.py, which rewrites this file. Its notice:
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which names are taken. A meaning is written as WordNet counts it: ``crane:5`` is the fifth.

    Attributes:
        files: Numbers of the lexicographers' files that are taken whole.
        below: Meanings that are taken with all that is below them, from any file.
        cut: Meanings that are left out with all that is below them, even where those take them.
        usages: Meanings such as ``obscenity:2``; a word that WordNet marks as one is left out.
        explained: A meaning is left out if this is found in its explanation.
        words: The most words that a name has.
        senses: A meaning must be among this many first ones of its name as spelled.
        added: Names that are added by hand. Each must be a noun of WordNet.
        left_out: Words by hand; a name that is one of them or holds one is left out.
    """

    files: frozenset[int]
    below: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    usages: tuple[str, ...] = ()
    explained: re.Pattern[str] = re.compile("(?!)")
    words: int = 3
    senses: int = 2
    added: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def _words(text: str) -> tuple[str, ...]:
    """The words of a block of text."""
    return tuple(text.split())


# Animals, artifacts, food, natural objects and plants can be seen, most of them. Of the other files
# we take what can: bodies from outside and few organs; people by what they do, where their dress,
# tools or place show it, and never by what they are like.
RULE = Rule(
    files=frozenset({5, 6, 13, 17, 20}),
    below=_words(
        """
        external_body_part:1 feature:2 hair:1 tooth:1
        athlete:1 performer:1 craftsman:3 mythical_being:1
        gem:2 rock:2 soil:2 building_material:1 paper:1 leather:1 fur:1 wood:1 natural_fiber:1
        glass:1 fuel:1 precipitation:3 storm:1 cloud:2 fire:1 wave:1
        tract:1 vegetation:1 animal_group:1 plane_figure:1 polyhedron:1
        sport:1 athletic_game:1 dancing:1 facial_expression:1 emblem:2
        """
    ),
    cut=_words(
        """
        microorganism:1 taxonomic_group:1 animal_order:1 plant_order:1 drug:1 medicine:2 vaccine:1
        particle:2 animal_tissue:1 plant_tissue:1 plant_cell:1 placentation:2 fetus:1
        agent:3 alkaloid:1 glycoside:1 inhibitor:1
        """
    ),
    usages=_words(
        """
        ethnic_slur:1 disparagement:1 obscenity:2 slang:2 archaism:1 trade_name:1 trademark:2
        """
    ),
    explained=re.compile(
        r"\b(offensive (term|word|name)|slurs?|disparag\w+|derogat\w+|obscen\w+|vulgar|insult\w*"
        r"|uncomplimentary|slang|vulva|penis|scrotum|vagina\w*|prostitut\w+|tortur\w+|nazi)\b",
        re.IGNORECASE,
    ),
    added=_words(
        """
        man woman boy girl baby child toddler bride groom crowd family audience
        doctor dentist surgeon veterinarian nurse infantryman paratrooper sailor fisherman
        farmer cook chef waiter waitress bartender butcher baker teacher student scientist chemist
        astronaut pilot policeman firefighter judge king prince princess priest monk nun
        bishop pope mailman photographer painter sculptor cyclist motorcyclist pedestrian
        shopkeeper librarian pirate samurai geisha lifeguard jockey cheerleader referee
        umpire tourist hiker scuba_diver gardener janitor conductor
        miner
        choir marching_band parade wedding birthday_party concert explosion avalanche
        volcanic_eruption lightning aurora sunset sunrise flood smoke flame shadow
        city town village downtown suburb skyline horizon rooftop bus_stop
        water icicle snowflake frost dew steam fog mist dust rust
        gold silver copper steel aluminum
        bone skull muscle heart brain eye ear mouth tongue
        mermaid unicorn ghost angel devil fairy elf vampire witch
        spiral cylinder
        crossword_puzzle traffic_light street_sign newspaper comic_strip passport banknote coin
        logo handwriting postage_stamp credit_card
        """
    ),
    # Words that hurt, also inside the names of plants and animals; jokes about bodies; battery A.
    left_out=_words(
        """
        bastard blackface chink confederate_flag dog_shit eskimo fag fagot fagoting golliwog gypsy
        hottentot jew jewfish kaffir negro squaw squawbush slave slave-making rape nude pubic_hair
        bull_neck bullethead hooks pudding_face shank's_mare skinny-dipper
        a_battery b_battery c_battery
        """
    ),
)


def names(database: Database, rule: Rule) -> tuple[tuple[str, ...], Counter[str]]:
    """The names by ``rule``, sorted, and how many meanings or names each step kept or left out."""
    counts: Counter[str] = Counter()
    taken = set(_names_of_meanings(database, rule, counts))
    counts["names of those"] = len(taken)
    if strange := [name for name in rule.added if name not in database.places]:
        raise SystemExit(f"nouns: a noun of WordNet is needed, got '{strange[0]}' to add.")
    counts["names added by hand"] = len(set(rule.added) - taken)
    taken |= set(rule.added)
    held = {word: {name for name in taken if f"_{word}_" in f"_{name}_"} for word in rule.left_out}
    if idle := [word for word in rule.left_out if not held[word]]:
        raise SystemExit(f"nouns: a word of the list is needed, got '{idle[0]}' to leave out.")
    counts["names left out by hand"] = len(set().union(*held.values()))
    taken = taken.difference(*held.values())
    counts["names"] = len(taken)
    return tuple(sorted(name.replace("_", " ") for name in taken)), counts


def _names_of_meanings(database: Database, rule: Rule, counts: Counter[str]) -> Iterator[str]:
    """One name for each meaning that the rule takes."""
    wanted, unwanted = _below(database, rule.below), _below(database, rule.cut)
    usages = {database.place(key) for key in rule.usages}
    for place, meaning in database.meanings.items():
        if meaning.file not in rule.files and place not in wanted:
            continue
        counts["meanings in the files and below"] += 1
        name = _name(database, meaning, rule, usages)
        if place in unwanted:
            counts["left out: cut"] += 1
        elif meaning.instance or name is None:
            counts["left out: proper names, or no name of letters and few words"] += 1
        elif rule.explained.search(meaning.explanation):
            counts["left out: by the explanation"] += 1
        elif _sense(database, name, place) > rule.senses:
            counts["left out: a rare meaning of its name"] += 1
        else:
            counts["meanings taken"] += 1
            yield name.lower()


def _below(database: Database, keys: tuple[str, ...]) -> set[str]:
    """Where the meanings of ``keys`` and all below them are."""
    below = defaultdict(list)
    for place, meaning in database.meanings.items():
        for above in meaning.above:
            below[above].append(place)
    found: set[str] = set()
    waiting = [database.place(key) for key in keys]
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting += below[place]
    return found


def _name(database: Database, meaning: Meaning, rule: Rule, usages: set[str]) -> str | None:
    """The first word that is no proper name, of letters, short, and marked with none of ``usages``.

    An ``American_bison`` is a bison, so the name may begin with capitals if its last word is a noun
    by itself. ``Boletus_edulis`` is Latin and ``New_York`` a proper name.
    """
    marked = {position for position, place in meaning.usages if place in usages}
    if 0 in marked:
        return None
    shape = re.compile(rf"([A-Za-z'-]+_){{0,{rule.words - 1}}}[a-z][a-z'-]*")
    for position, word in enumerate(meaning.words, start=1):
        if position in marked or not shape.fullmatch(word):
            continue
        if word == word.lower() or _is_noun(database, word.rpartition("_")[2]):
            return word
    return None


def _is_noun(database: Database, word: str) -> bool:
    """Whether the database has the lower-case ``word`` as a noun."""
    return any(word in database.meanings[p].words for p in database.places.get(word, ()))


def _sense(database: Database, name: str, place: str) -> int:
    """Which meaning of ``name`` this is, counted over those that spell it so."""
    places = database.places[name.lower()]
    return [p for p in places if name in database.meanings[p].words].index(place) + 1


def text(database: Database, found: tuple[str, ...]) -> str:
    """The whole file: a title and WordNet's notice as comments, then one name per line."""
    title = TITLE.format(count=len(found)).splitlines()
    head = "".join(f"# {line}".rstrip() + "\n" for line in (*title, "", *database.notice))
    return head + "".join(f"{name}\n" for name in found)


def main(arguments: list[str]) -> None:
    """Write the list and say what each step of the rule did."""
    if len(arguments) != 1:
        raise SystemExit("nouns: the folder of WordNet's files is needed: tools/nouns.py FOLDER.")
    database = read_database(Path(arguments[0]))
    found, counts = names(database, RULE)
    LIST.write_text(text(database, found), encoding="utf-8", newline="\n")
    for step, count in counts.items():
        print(f"{count:6d}  {step}")


if __name__ == "__main__":
    main(sys.argv[1:])
