"""Posts prepared letters over a number of kept connections; prints one JSON object. Run by bench/inbox.py."""

import http.client
import json
import queue
import sys
import threading
import time
from collections import Counter
from urllib.parse import urlsplit


def send_all(letters: "queue.SimpleQueue[list[str]]", times: list[float], answers: Counter[str]) -> None:
    connection = None
    while True:
        try:
            url, authorization, body = letters.get_nowait()
        except queue.Empty:
            break
        where = urlsplit(url)
        if connection is None:
            connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        began = time.perf_counter()
        connection.request("POST", where.path, body.encode(), headers)
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - began)
        answers[str(answer.status)] += 1
    if connection is not None:
        connection.close()


def main(file: str, connections: int) -> None:
    letters: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    with open(file) as lines:
        for line in lines:
            letters.put(json.loads(line))
    times: list[float] = []
    answers: Counter[str] = Counter()
    threads = [threading.Thread(target=send_all, args=(letters, times, answers)) for _ in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    json.dump({"seconds": time.perf_counter() - began, "times": times, "answers": dict(answers)}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
