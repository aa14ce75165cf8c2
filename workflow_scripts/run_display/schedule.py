"""When the last of some tasks ends."""

import heapq
import math
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Task:
    """Work of some seconds on `cores` and `gpus`, after the tasks that it needs."""

    seconds: float
    needs: Collection[Hashable] = ()
    cores: int = 1
    gpus: int = 0


def makespan(
    tasks: Mapping[Key, Task],
    cores: float,
    gpus: float = math.inf,
    running: Collection[Hashable] = (),
) -> float:
    """Seconds until the last task ends, if of those that are ready the longest starts first.

    `running` tasks have started. Tasks that are needed but missing in `tasks` have ended. A task
    that asks for more cores or GPUs than there are gets all of them.
    """
    unmet = {key: {need for need in task.needs if need in tasks} for key, task in tasks.items()}
    after: dict[Hashable, list[Key]] = {}
    for key, needs in unmet.items():
        for need in needs:
            after.setdefault(need, []).append(key)
    # Numbers in the order of `tasks` decide between equal ones: keys may not be comparable.
    keys = [*tasks]
    numbers = {key: number for number, key in enumerate(keys)}

    def entry(key: Key) -> tuple[bool, float, int]:
        return key not in running, -tasks[key].seconds, numbers[key]

    ready = [entry(key) for key, needs in unmet.items() if not needs]
    heapq.heapify(ready)
    started: list[tuple[float, int]] = []
    now, free_cores, free_gpus = 0.0, cores, gpus
    while ready or started:
        too_large = []
        while ready and free_cores > 0:
            own = heapq.heappop(ready)
            task = tasks[keys[own[-1]]]
            if min(task.cores, cores) > free_cores or min(task.gpus, gpus) > free_gpus:
                too_large.append(own)
                continue
            free_cores -= min(task.cores, cores)
            free_gpus -= min(task.gpus, gpus)
            heapq.heappush(started, (now + task.seconds, own[-1]))
        for own in too_large:
            heapq.heappush(ready, own)
        now, number = heapq.heappop(started)
        task = tasks[keys[number]]
        free_cores += min(task.cores, cores)
        free_gpus += min(task.gpus, gpus)
        for key in after.get(keys[number], []):
            unmet[key].remove(keys[number])
            if not unmet[key]:
                heapq.heappush(ready, entry(key))
    return now
