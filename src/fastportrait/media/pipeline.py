"""Work in stages, a thread each: while one frame is encoded the next is composed and the one after it masked.

Between two stages wait at most a few, so that memory is constant however long the video is. What goes wrong
in one stage stops them all and is raised where `run` was called.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

WAITING = 3
"""Items between two stages."""


class _Stopped(Exception):
    """Another stage failed."""


class _Queue:
    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._ended = self._failed = False
        self._changed = threading.Condition()

    def put(self, item: Any) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._failed or len(self._items) < WAITING)
            if self._failed:
                raise _Stopped
            self._items.append(item)
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def fail(self) -> None:
        with self._changed:
            self._failed = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Any:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._failed or self._items or self._ended)
                if self._failed:
                    raise _Stopped
                if not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item


class Pipeline:
    """Items from `source` through `stages`, in order, the last of which gives nothing on."""

    def __init__(
        self, source: Iterable[Any], stages: dict[str, Callable[[Any], Any]], *, name: str = "decode"
    ) -> None:
        self.seconds = dict.fromkeys([name, *stages], 0.0)
        """That each stage has worked, without its waiting."""
        self.done = 0
        """Items that went through."""
        self._source, self._stages, self._name = source, stages, name
        self._queues = [_Queue() for _ in stages]
        self._stop, self._over = threading.Event(), threading.Event()
        self._error: BaseException | None = None
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Take nothing more from the source, and finish what is under way."""
        self._stop.set()

    def run(self, watch: Callable[["Pipeline"], None] | None = None, every: float = 0.1) -> None:
        """Until all is done; `watch` is called now and then.

        A KeyboardInterrupt stops it and is raised at the end; a second one leaves what is under way.
        """
        threads = [threading.Thread(target=self._feed, daemon=True)]
        threads += [
            threading.Thread(target=self._work, args=(i,), daemon=True) for i in range(len(self._stages))
        ]
        for thread in threads:
            thread.start()
        interrupted: KeyboardInterrupt | None = None
        while True:
            try:
                while not self._over.wait(every):
                    if watch:
                        watch(self)
                for thread in threads:
                    thread.join()
                break
            except KeyboardInterrupt as interrupt:
                if interrupted is not None:
                    self._fail(interrupt)
                interrupted = interrupt
                self.stop()
        if watch:
            watch(self)
        if self._error is not None:
            raise self._error
        if interrupted is not None:
            raise interrupted

    def _feed(self) -> None:
        try:
            items = iter(self._source)
            while not self._stop.is_set():
                start = perf_counter()
                try:
                    item = next(items)
                except StopIteration:
                    break
                self.seconds[self._name] += perf_counter() - start
                self._queues[0].put(item)
            self._queues[0].end()
        except _Stopped:
            pass
        except BaseException as error:
            self._fail(error)

    def _work(self, index: int) -> None:
        name, stage = list(self._stages.items())[index]
        last = index == len(self._stages) - 1
        try:
            for item in self._queues[index]:
                start = perf_counter()
                result = stage(item)
                self.seconds[name] += perf_counter() - start
                if last:
                    self.done += 1
                else:
                    self._queues[index + 1].put(result)
            if last:
                self._over.set()
            else:
                self._queues[index + 1].end()
        except _Stopped:
            pass
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            if self._error is None:
                self._error = error
        for queue in self._queues:
            queue.fail()
        self._over.set()
