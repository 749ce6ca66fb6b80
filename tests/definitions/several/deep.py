def clamp(x, low, high):
    return max(low, min(x, high))


def triple(n: int) -> int:
    return n * 3
