"""The eight ballroom dances as rhythms, for the demo data set.

A pattern is a string with one character per step, one or two bars long. In drums, chords and
melodies, `X` is an accented stroke, `x` a normal one, `o` a soft one, `.` a rest, and `-` holds the
previous note. In a bass line, a digit is a degree of the chord's scale: 1 root, 3 third, 5 fifth,
6 sixth, 8 octave. Tempi are quantiles of the Ballroom annotations in BPM, at TEMPO_RANKS.
"""

from dataclasses import dataclass

TRACKS_A_DANCE = 10
TEMPO_RANKS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class Dance:
    """One dance: meter, tempi and patterns.

    A bar has `beats` beats, a beat has `steps` steps: 4 for sixteenths, 3 for swing. `drums` has a
    pattern for each of some keys of DRUMS; players are keys of TIMBRES. Each track draws one of the
    alternatives, and a minor key with probability `minor`. A progression has one degree of the
    scale per chord.
    """

    beats: int
    steps: int
    tempi: tuple[float, ...]
    drums: dict[str, str]
    bass: tuple[str, ...]
    chords: tuple[str, ...]
    melodies: tuple[str, ...]
    chord_players: tuple[str, ...]
    melody_players: tuple[str, ...]
    progressions: tuple[str, ...]
    minor: float
    bars_a_chord: int = 1


_POP = ("1645", "1451", "2516", "1415", "16251455")
_LATIN = ("1545", "1455", "2511", "1654", "6451")
_TANGO = ("1155", "1451", "1541", "14151151")
_BLUES = ("111144115451",)

DANCES: dict[str, Dance] = {
    "ChaChaCha": Dance(
        beats=4,
        steps=4,
        tempi=(92, 109, 124, 124, 124, 128, 136),
        drums={
            "cowbell": "X...x...X...x...",
            "guiro": "X...x.x.X...x.x.",
            "conga_slap": "....X...........",
            "conga_open": "............X.X.",
            "bongo": "o.o.o.o.o.o.o.o.",
            "kick": "x.....x.....x...",
        },
        bass=("1.....5.....8...", "1.....5...5.1...", "1...1.5.....5.8."),
        chords=("x.x..x.x.x.x.x..", "..x.x.x...x.x.x.", "X.....x.X.....x."),
        melodies=("x-x-x---....x-x-x-x-x-------....", "....x-x-x---x---x-x-x---........"),
        chord_players=("piano", "guitar", "organ"),
        melody_players=("flute", "brass", "piano", "clarinet"),
        progressions=_LATIN,
        minor=0.4,
    ),
    "Jive": Dance(
        beats=4,
        steps=3,
        tempi=(124, 132, 168, 172, 176, 176, 180),
        drums={
            "kick": "X.....x.....",
            "snare": "...X.....X..",
            "ride": "x..x.xx..x.x",
            "hat": "...x.....x..",
        },
        bass=("1..3..5..6..", "1..1..5..5..", "1..3..5..3.."),
        chords=("...x.....x..", "..x..x..x..x", "...X.o...X.o"),
        melodies=("x-xx-xx--...x-xx--......", "x--x-x...x-xx-xx--......"),
        chord_players=("piano", "guitar", "organ"),
        melody_players=("brass", "clarinet", "guitar", "piano"),
        progressions=(*_BLUES, "1645"),
        minor=0.05,
    ),
    "Quickstep": Dance(
        beats=4,
        steps=3,
        tempi=(153, 200, 200, 204, 204, 208, 219),
        drums={
            "kick": "x.....x.....",
            "hat": "...X.....X..",
            "ride": "X..x.xX..x.x",
            "brush": "o..x..o..x..",
        },
        bass=("1.....5.....", "1.....5..5..", "1.....3....."),
        chords=("...x.....x..", "x....x......", "...x.x...x.."),
        melodies=("x-----x--x-xx-----......", "x--x--x-----x--x--x-----"),
        chord_players=("piano", "guitar", "brass"),
        melody_players=("clarinet", "brass", "vibraphone", "strings"),
        progressions=_POP,
        minor=0.1,
        bars_a_chord=2,
    ),
    "Rumba": Dance(
        beats=4,
        steps=4,
        tempi=(76, 76, 96, 100, 104, 122, 141),
        drums={
            "clave": "X.....X.....X.......X...X.......",
            "maracas": "X.o.x.o.X.o.x.o.",
            "bongo": "x.o.x.o.x.o.x.oo",
            "conga_open": "............x.x.",
            "kick": "o...............",
        },
        bass=("1.......5...8...", "1.....5.5...1...", "1.......5...5..."),
        chords=("x.x.x.x.x.x.x.x.", "x.....x.x...x...", "....x.......x..."),
        melodies=("x-------x---x---x-----------....", "....x---x---x---x-------x-------"),
        chord_players=("guitar", "piano", "strings"),
        melody_players=("flute", "strings", "brass", "guitar"),
        progressions=_LATIN,
        minor=0.6,
    ),
    "Samba": Dance(
        beats=4,
        steps=4,
        tempi=(68, 92, 100, 102, 102, 104, 224),
        drums={
            "surdo": "o..xX..xo..xX..x",
            "shaker": "XooxXooxXooxXoox",
            "tamborim": "x.x.xx.x.x.xx.x.",
            "agogo": "X.x..x.x.x.X..x.",
            "snare": "o.oxo.oxo.oxo.ox",
        },
        bass=("1..55..51..55..5", "1..15..51..15..5", "1..5...58..5...5"),
        chords=("x.x..x.x.x..x.x.", "..x.x..x..x.x..x", "x..x..x.x..x..x."),
        melodies=("x-x-xx-x-x-x----x-xx-x--........", "..x-x--xx-x-----x-x-x-x-x---...."),
        chord_players=("guitar", "piano", "organ"),
        melody_players=("flute", "brass", "guitar", "clarinet"),
        progressions=_LATIN,
        minor=0.3,
    ),
    "Tango": Dance(
        beats=4,
        steps=4,
        tempi=(112, 116, 128, 128, 128, 132, 132),
        drums={
            "snare": "..............xo",
            "brush": "x...x...x...x...",
        },
        bass=("1...5...1...5...", "1...1...5...5...", "1.....5.5...1..."),
        chords=("X...x...X...x.x.", "X.....x.x...x...", "X...X...X...X..."),
        melodies=("x-x-x---x---x-x-x-------x-x-x-x-", "xxx.x---x-x-x-------x---x-x-x---"),
        chord_players=("accordion", "piano", "strings"),
        melody_players=("accordion", "strings", "clarinet"),
        progressions=_TANGO,
        minor=0.85,
    ),
    "VienneseWaltz": Dance(
        beats=3,
        steps=4,
        tempi=(174, 174, 177, 180, 180, 180, 180),
        drums={
            "kick": "o...........",
            "brush": "....x...x...",
            "hat": "....o...o...",
        },
        bass=("1...........", "1...........5..........."),
        chords=("....x...x...", "....X...o..."),
        melodies=(
            "x-----------x-------x---",
            "x-------x---x---x---x---",
            "x-----------------------",
        ),
        chord_players=("strings", "brass", "accordion"),
        melody_players=("strings", "flute", "clarinet", "brass"),
        progressions=_POP,
        minor=0.2,
        bars_a_chord=2,
    ),
    "Waltz": Dance(
        beats=3,
        steps=4,
        tempi=(60, 84, 84, 87, 87, 90, 112),
        drums={
            "kick": "x...........",
            "brush": "....x...x...",
            "ride": "o...x...x.o.",
        },
        bass=("1...........", "1.......5..."),
        chords=("....x...x...", "..x.x.x.x.x.", "....x.x.x.x."),
        melodies=(
            "x-------x---x---x---x---",
            "x-----x-x---x-----------",
            "x---x-x-x---x-------x---",
        ),
        chord_players=("piano", "strings", "guitar"),
        melody_players=("strings", "flute", "clarinet", "piano"),
        progressions=_POP,
        minor=0.25,
    ),
}
