"""itertools, written here as helpers that compile (_prelude.py says how they are used).

What takes no function is a generator, lazy as its original. What takes one is inlined where it is called and goes over
its source at once: the same items in the same order, though a later item's exception comes before an earlier is used.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

END = object()


def chain(*iterables):
    for iterable in iterables:
        yield from iterable


def zip_longest(*iterables, fillvalue=None):
    iterators = [iter(each) for each in iterables]
    live = [True for _ in iterators]
    left = len(iterators)
    while left:
        values = []
        for i, iterator in enumerate(iterators):
            value = fillvalue
            if live[i]:
                value = next(iterator, END)
                if value is END:
                    live[i] = False
                    left -= 1
                    value = fillvalue
            if left:
                values.append(value)
        if left:
            yield tuple(values)


def product(*iterables, repeat=1):
    pools = [list(each) for each in iterables] * repeat
    places = [0 for _ in pools]
    done = any(not pool for pool in pools)
    while not done:
        yield tuple([pool[places[i]] for i, pool in enumerate(pools)])
        i = len(pools) - 1
        while i >= 0:
            places[i] += 1
            if places[i] < len(pools[i]):
                break
            places[i] = 0
            i -= 1
        done = i < 0


def combinations(iterable, r):
    pool = list(iterable)
    n = len(pool)
    if r < 0:
        raise ValueError("r must be non-negative")
    places = list(range(r))
    done = r > n
    while not done:
        yield tuple([pool[i] for i in places])
        i = r - 1
        while i >= 0 and places[i] == i + n - r:
            i -= 1
        if i < 0:
            done = True
        else:
            places[i] += 1
            for j in range(i + 1, r):
                places[j] = places[j - 1] + 1


def combinations_with_replacement(iterable, r):
    pool = list(iterable)
    n = len(pool)
    if r < 0:
        raise ValueError("r must be non-negative")
    places = [0] * r
    done = n == 0 and r > 0
    while not done:
        yield tuple([pool[i] for i in places])
        i = r - 1
        while i >= 0 and places[i] == n - 1:
            i -= 1
        if i < 0:
            done = True
        else:
            places[i:] = [places[i] + 1] * (r - i)


def permutations(iterable, r=None):
    pool = list(iterable)
    n = len(pool)
    size = n if r is None else r
    if size < 0:
        raise ValueError("r must be non-negative")
    places = list(range(n))
    cycles = list(range(n, n - size, -1))
    done = size > n
    while not done:
        yield tuple([pool[i] for i in places[:size]])
        i = size - 1
        while i >= 0:
            cycles[i] -= 1
            if cycles[i] == 0:
                places[i:] = places[i + 1 :] + places[i : i + 1]
                cycles[i] = n - i
                i -= 1
            else:
                j = n - cycles[i]
                places[i], places[j] = places[j], places[i]
                break
        done = i < 0


def compress(data, selectors):
    for item, chosen in zip(data, selectors, strict=False):
        if chosen:
            yield item


def islice(iterable, first, *more):
    start = 0 if not more or first is None else first
    stop = more[0] if more else first
    step = 1 if len(more) < 2 or more[1] is None else more[1]
    if start < 0 or (stop is not None and stop < 0):
        raise ValueError("Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    if step < 1:
        raise ValueError("Step for islice() must be a positive integer or None.")
    iterator = iter(iterable)
    at = 0
    following = start
    while stop is None or at < stop:
        item = next(iterator, END)
        if item is END:
            break
        if at == following:
            yield item
            following += step
        at += 1


def batched(iterable, n):
    if n < 1:
        raise ValueError("n must be at least one")
    batch = []
    for item in iterable:
        batch.append(item)
        if len(batch) == n:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)


# --- with a function ---


def takewhile(predicate, iterable):
    made = []
    for item in iterable:
        if not predicate(item):
            break
        made.append(item)
    return iter(made)


def dropwhile(predicate, iterable):
    made = []
    dropping = True
    for item in iterable:
        if dropping and predicate(item):
            continue
        dropping = False
        made.append(item)
    return iter(made)


def filterfalse(predicate, iterable):
    return iter([item for item in iterable if not (item if predicate is None else predicate(item))])


def starmap(function, iterable):
    return iter([function(*arguments) for arguments in iterable])


def accumulate(iterable, func=None, *, initial=None):
    made = []
    total = initial
    begun = initial is not None
    if begun:
        made.append(total)
    for item in iterable:
        if not begun:
            total = item
            begun = True
        elif func is None:
            total = total + item
        else:
            total = func(total, item)
        made.append(total)
    return iter(made)


def groupby(iterable, key=None):
    keys: list[Any] = []
    groups: list[Any] = []
    for item in iterable:
        name = item if key is None else key(item)
        if not keys or keys[-1] != name:
            keys.append(name)
            groups.append([])
        groups[-1].append(item)
    return iter([(name, iter(group)) for name, group in zip(keys, groups, strict=False)])


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    getattr(itertools, f.__name__): f
    for f in (
        *(chain, zip_longest, product, combinations, combinations_with_replacement, permutations, compress, islice),
        *(batched, takewhile, dropwhile, filterfalse, starmap, accumulate, groupby),
    )
    if hasattr(itertools, f.__name__)
}
