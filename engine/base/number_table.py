"""Writes number_table.h: the first 128 bits of each power of ten that a double's text needs.

Run it as `python3 engine/base/number_table.py > engine/base/number_table.h`; a test compares the file with its output.
"""

FIRST, LAST = -342, 324


def significand(exponent: int) -> int:
    """The top 128 bits of 10**exponent, rounded down: 2**127 <= significand < 2**128."""
    power: int = 5 ** abs(exponent)
    if exponent < 0:
        return (1 << (127 + power.bit_length())) // power
    shift = power.bit_length() - 128
    return power >> shift if shift >= 0 else power << -shift


def main() -> None:
    print("/* Written by number_table.py; see number.c. {high, low}: the significand of each power of ten. */")
    print(f"enum {{ POWER_FIRST = {FIRST}, POWER_LAST = {LAST} }};")
    print("static const struct power powers[POWER_LAST - POWER_FIRST + 1] = {")
    for exponent in range(FIRST, LAST + 1):
        bits = significand(exponent)
        assert bits.bit_length() == 128
        print(f"    {{0x{bits >> 64:016x}, 0x{bits & (2**64 - 1):016x}}}, /* 1e{exponent} */")
    print("};")


if __name__ == "__main__":
    main()
