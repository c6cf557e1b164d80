"""Scripted pull requests with their defects, each told in several ways: the words of a model that never repeats itself.

Written by hand before the matcher that they measure. Thresholds and words were chosen on ``CHOSEN_ON`` alone;
``HELD_OUT`` are measured with them as they are. Many defects share a line, a function or a text with another one on
purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Defect:
    """One true defect: the file and the line of code it is on, and how it is told. ``alone`` is what a twin of it is
    called elsewhere in the code: such a twin is another defect in the same words."""

    key: str
    path: str
    code: str
    categories: tuple[str, ...]
    titles: tuple[str, ...]
    bodies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A pull request that adds files, and what is wrong with them."""

    name: str
    files: dict[str, str]
    defects: tuple[Defect, ...]


def _twin(defect: Defect, key: str, path: str, code: str, *swaps: tuple[str, str]) -> Defect:
    """The same words about other code; ``swaps`` change names only."""

    def swapped(text: str) -> str:
        for old, new in swaps:
            text = text.replace(old, new)
        return text

    titles, bodies = tuple(map(swapped, defect.titles)), tuple(map(swapped, defect.bodies))
    return Defect(key, path, code, defect.categories, titles, bodies)


ORDERS: Final = """\
import json


def load_order(db, order_id):
    row = db.execute("SELECT * FROM orders WHERE id = '%s'" % order_id).fetchone()
    return json.loads(row["payload"])


def average_price(orders):
    total = sum(order.price for order in orders)
    return round(total / len(orders), 1)


def apply_discount(order, percent):
    order.price = order.price * (1 - percent / 100)
    return order


def export_orders(orders, path):
    handle = open(path, "w")
    for order in orders:
        handle.write(f"{order.id},{order.customer},{order.price}\\n")
    return len(orders)


def find_order(orders, order_id):
    for index in range(1, len(orders)):
        if orders[index].id is order_id:
            return orders[index]


def first_order(orders):
    newest_first = sorted(orders)
    return newest_first[0]


def last_order(orders):
    oldest_first = sorted(orders)
    return oldest_first[0]
"""
REFUNDS: Final = """\
def load_refund(db, refund_id):
    row = db.execute("SELECT * FROM refunds WHERE id = '%s'" % refund_id).fetchone()
    return row["amount"]


def export_refunds(refunds, path):
    handle = open(path, "w")
    for refund in refunds:
        handle.write(f"{refund.id},{refund.amount}\\n")
    return len(refunds)
"""

_INJECTION = Defect(
    "order-injection", "shop/orders.py", "row = db.execute(\"SELECT * FROM orders WHERE id = '%s'\" % order_id)",
    ("security", "bug", "data"),
    (
        "SQL injection through `order_id`",
        "User input is formatted into the SQL statement",
        "Query built with % formatting allows injection",
        "Use a parameterized query for order_id",
        "Unescaped order id in SQL string",
    ),
    (
        "`order_id` is interpolated into the statement, so a crafted value can run arbitrary SQL. Pass it as a bound "
        "parameter instead.",
        "The query is assembled with string formatting. An attacker who controls the id can inject SQL; use "
        "placeholders.",
        "Because the identifier is concatenated into the query text, an id such as `x' OR '1'='1` returns every row.",
        "String formatting puts untrusted input straight into SQL. Bind parameters with `?`.",
    ),
)  # fmt: skip
_LEAK = Defect(
    "order-leak", "shop/orders.py", 'handle = open(path, "w")', ("bug", "performance", "maintainability"),
    (
        "File handle is never closed",
        "`export_orders` leaks the open file",
        "Missing close on `handle`",
        "Use a context manager for the opened file",
        "Resource leak: file left open",
    ),
    (
        "`handle` is opened but never closed, so buffered lines may be lost and the descriptor leaks. Use `with`.",
        "Nothing closes the file. If writing raises, or on interpreters without reference counting, the data may not "
        "be flushed.",
        "The descriptor stays open after the function returns; wrap it in a `with open(...)` block.",
        "Without an explicit close the output may be truncated and file descriptors run out.",
    ),
)  # fmt: skip
_EMPTY_FIRST = Defect(
    "first-empty", "shop/orders.py", "return newest_first[0]", ("bug", "data"),
    (
        "IndexError when the list is empty",
        "Empty `orders` crashes here",
        "No guard for an empty sequence",
        "Indexing fails without any orders",
    ),
    (
        "With no orders the index is out of range and an IndexError escapes.",
        "If `orders` is empty, `[0]` raises. Return None or check first.",
        "An empty list is not handled: accessing element 0 throws.",
    ),
)  # fmt: skip

SHOP: Final = Script(
    "shop",
    {"shop/orders.py": ORDERS, "shop/refunds.py": REFUNDS},
    (
        _INJECTION,
        _twin(_INJECTION, "refund-injection", "shop/refunds.py",
              "row = db.execute(\"SELECT * FROM refunds WHERE id = '%s'\" % refund_id)",
              ("order_id", "refund_id"), ("order id", "refund id")),
        Defect("order-star", "shop/orders.py",
               "row = db.execute(\"SELECT * FROM orders WHERE id = '%s'\" % order_id)",
               ("performance", "maintainability"),
               ("`SELECT *` reads columns that are not needed", "Select only the payload column",
                "All columns are fetched although one is used", "Avoid SELECT * in load_order"),
               ("Only `payload` is used below. Naming the column saves transfer and survives schema changes.",
                "Fetching every column is wasteful: the function needs just `payload`.",
                "A wildcard select loads large columns for nothing and breaks when the table is altered.")),
        Defect("order-missing", "shop/orders.py", 'return json.loads(row["payload"])', ("bug", "data", "api"),
               ("Unknown order crashes with TypeError", "`row` may be None", "Missing check for no result",
                "fetchone() can return None", "None is subscripted when the order does not exist"),
               ("`fetchone()` returns None for an id that does not exist, and `row[\"payload\"]` then raises a "
                "TypeError.",
                "If no row matches, subscripting None fails. Handle the not-found case.",
                "There is no guard for an absent order: the lookup yields nothing and the next line blows up.",
                "When the order is not found `row` is None. Check for it before reading the payload.")),
        Defect("average-zero", "shop/orders.py", "return round(total / len(orders), 1)", ("bug", "data"),
               ("Division by zero for an empty list", "`average_price` fails without orders",
                "ZeroDivisionError when `orders` is empty", "Guard against len(orders) == 0"),
               ("When `orders` is empty `len(orders)` is 0 and the division raises ZeroDivisionError.",
                "An empty list makes the denominator zero. Return 0 or None for that case.",
                "No orders means dividing by 0; the caller sees an unhandled ZeroDivisionError.")),
        Defect("average-round", "shop/orders.py", "return round(total / len(orders), 1)", ("bug", "data", "api"),
               ("Rounding to one digit loses cents", "Price is rounded to 1 decimal place",
                "Average has the wrong precision", "Use two decimals for money"),
               ("`round(..., 1)` keeps one decimal, but prices have two: 10.25 becomes 10.2.",
                "Amounts need two decimal places. With one, the average shown is off by up to five cents.",
                "The precision of 1 drops the second digit of the price.")),
        Defect("discount-range", "shop/orders.py", "order.price = order.price * (1 - percent / 100)", ("bug", "api"),
               ("Price becomes negative when percent exceeds 100", "`percent` is not validated",
                "Discounts over 100% give negative prices", "Missing range check on percent"),
               ("A percent above 100 yields a negative price. Reject values outside 0 to 100.",
                "Nothing limits `percent`, so a discount of 150 turns the price negative.",
                "Validate that the percentage is between 0 and 100 before it is used.")),
        Defect("discount-mutates", "shop/orders.py", "order.price = order.price * (1 - percent / 100)",
               ("maintainability", "bug", "api"),
               ("The caller's order is modified in place", "`apply_discount` mutates its argument",
                "Side effect on the passed order", "Applying the discount twice compounds it"),
               ("The function changes the object that was passed in, so calling it twice discounts twice.",
                "`order` is mutated although a new one seems to be returned. Callers that keep the original see the "
                "changed price.",
                "Return a copy: in-place modification surprises callers and makes repeated calls compound.")),
        _LEAK,
        _twin(_LEAK, "refund-leak", "shop/refunds.py", 'handle = open(path, "w")',
              ("export_orders", "export_refunds")),
        Defect("order-encoding", "shop/orders.py", 'handle = open(path, "w")', ("bug", "data", "maintainability"),
               ("No encoding given for the output file", "`open` uses the platform's default encoding",
                "Specify encoding=\"utf-8\"", "Customer names may not be encodable"),
               ("The default encoding depends on the locale; a customer name with an umlaut raises UnicodeEncodeError "
                "on Windows. Pass `encoding=\"utf-8\"`.",
                "Text mode without `encoding` writes different bytes on different machines.",
                "Set the encoding explicitly, otherwise non-ASCII names break the export on some platforms.")),
        Defect("order-csv", "shop/orders.py", 'handle.write(f"{order.id},{order.customer},{order.price}\\n")',
               ("bug", "data", "security"),
               ("CSV fields are not escaped", "Commas in `customer` corrupt the file",
                "Use the csv module for quoting", "Unquoted values break the CSV output"),
               ("A customer named `Smith, John` adds a column. Use `csv.writer`, which quotes fields.",
                "Values are joined with commas by hand, so a comma or newline in a name shifts the columns.",
                "Fields need quoting; otherwise names with separators produce malformed rows.")),
        Defect("find-first", "shop/orders.py", "for index in range(1, len(orders)):", ("bug",),
               ("The first order is never looked at", "Loop starts at 1 instead of 0",
                "Off-by-one: element 0 is skipped", "range(1, ...) misses the first item"),
               ("`range(1, len(orders))` skips index 0, so the first order cannot be found.",
                "Indexing begins at 1 and therefore an order at position 0 is ignored.",
                "The search leaves out the first element. Iterate over the list directly.")),
        Defect("find-is", "shop/orders.py", "if orders[index].id is order_id:", ("bug", "maintainability"),
               ("`is` compares identity, not equality", "Use == to compare ids",
                "Identity comparison of order ids", "Ids are compared with `is`"),
               ("`is` is only true for the same object; equal ids from the database are different objects. Use `==`.",
                "Comparing integers or strings by identity works by accident for small values only.",
                "Two equal ids need not be one object, so the match fails for larger numbers.")),
        _EMPTY_FIRST,
        _twin(_EMPTY_FIRST, "last-empty", "shop/orders.py", "return oldest_first[0]"),
    ),
)  # fmt: skip

CLIENT: Final = """\
import pickle
import time

import requests

CACHE = {}


def fetch(url, token):
    response = requests.get(url, headers={"Authorization": token}, verify=False)
    print("fetched", url, token)
    return response.json()


def cached(url, token):
    if url not in CACHE:
        CACHE[url] = fetch(url, token)
    return CACHE[url]


def retry(call, attempts=3):
    while attempts:
        try:
            return call()
        except Exception:
            attempts -= 1
            time.sleep(1)


def load_state(path):
    with open(path, "rb") as handle:
        return pickle.load(handle)


def page_urls(base, pages, query):
    return [base + "?q=" + query + "&page=" + str(number) for number in range(pages)]


class Counter:
    def add(self, amount):
        self.value = self.value + amount

    def reset(self):
        self.value = None
"""
CLIENT_TEST: Final = """\
from client import page_urls


def test_page_urls():
    urls = page_urls("http://x", 2, "a")
    assert urls
"""

NET: Final = Script(
    "net",
    {"net/client.py": CLIENT, "net/test_client.py": CLIENT_TEST},
    (
        Defect("fetch-tls", "net/client.py",
               'response = requests.get(url, headers={"Authorization": token}, verify=False)', ("security", "bug"),
               ("TLS verification is disabled", "`verify=False` turns off certificate checks",
                "Certificates are not validated", "Man-in-the-middle possible: verify is off"),
               ("With `verify=False` the certificate of the server is not checked, so the token can be intercepted.",
                "Disabling certificate validation exposes the Authorization header to a man in the middle.",
                "Anybody on the path can impersonate the host since TLS verification was switched off.")),
        Defect("fetch-timeout", "net/client.py",
               'response = requests.get(url, headers={"Authorization": token}, verify=False)',
               ("bug", "performance"),
               ("Request without a timeout can hang forever", "No timeout on `requests.get`",
                "Missing timeout", "A slow server blocks the caller indefinitely"),
               ("`requests` has no default timeout; a server that does not answer blocks the thread for ever.",
                "Pass `timeout=`: otherwise a stalled connection never returns.",
                "The call may wait indefinitely when the remote end is unresponsive.")),
        Defect("fetch-token-log", "net/client.py", 'print("fetched", url, token)', ("security",),
               ("The token is written to the log", "Secret printed to stdout", "Credentials leak through print",
                "Do not log `token`"),
               ("The bearer token ends up in the output, where anybody with access to the logs can read it.",
                "Printing the secret exposes it. Remove it from the message.",
                "Access tokens must not be logged; this line prints one for every request.")),
        Defect("fetch-status", "net/client.py", "return response.json()", ("bug", "api"),
               ("HTTP errors are not checked", "Status code ignored", "Missing raise_for_status()",
                "Error responses are treated as data"),
               ("A 404 or 500 is parsed as if it were a result. Call `raise_for_status()` first.",
                "The status of the response is never looked at, so an error page is returned as data or fails in "
                "`json()`.",
                "Failing requests go unnoticed because the status code is not inspected.")),
        Defect("cache-bound", "net/client.py", "CACHE[url] = fetch(url, token)", ("performance", "bug"),
               ("Cache grows without bound", "`CACHE` is never evicted", "Unbounded memory growth",
                "No limit on the number of cached responses"),
               ("Entries are only added, so memory grows with every new url. Use an LRU cache.",
                "Nothing is ever removed from `CACHE`; a long-running process will run out of memory.",
                "There is no eviction or maximum size for the cache.")),
        Defect("cache-key", "net/client.py", "CACHE[url] = fetch(url, token)", ("security", "bug", "data"),
               ("Cached data is shared between tokens", "Cache key ignores `token`",
                "Responses of one user are served to another", "Token must be part of the cache key"),
               ("The key is only the url: a second caller with another token gets the first one's data.",
                "Authorised responses are cached by url alone, so users see each other's data.",
                "Include the token in the key, otherwise private answers cross accounts.")),
        Defect("cache-race", "net/client.py", "if url not in CACHE:", ("concurrency", "bug"),
               ("Check-then-act race on the cache", "Two threads can fetch the same url at once",
                "`CACHE` is accessed without a lock", "Not thread-safe"),
               ("Between the test and the assignment another thread may do the same; both send the request.",
                "The lookup and the store are not atomic. Guard them with a lock.",
                "Concurrent callers can both miss and fetch twice because nothing synchronises access.")),
        Defect("retry-swallow", "net/client.py", "except Exception:", ("bug", "maintainability"),
               ("All exceptions are swallowed", "Broad except hides errors", "`except Exception` masks real bugs",
                "Failures are silently discarded"),
               ("Every error, programming mistakes included, is caught and dropped. Catch only what can be retried.",
                "A TypeError in `call` is retried and then hidden. Narrow the except clause.",
                "Catching everything conceals the cause; log or re-raise it.")),
        Defect("retry-none", "net/client.py", "attempts -= 1", ("bug", "api"),
               ("Returns None after the last attempt", "Exhausted retries are not reported",
                "The final error is lost when attempts run out", "`retry` gives None on failure"),
               ("When all attempts are used the loop ends and the function returns None instead of raising.",
                "After the last failure nothing is raised: the caller gets None and cannot tell.",
                "The error of the final attempt should be re-raised once attempts reach zero.")),
        Defect("retry-backoff", "net/client.py", "time.sleep(1)", ("performance", "maintainability"),
               ("Fixed delay between retries", "No exponential backoff", "Constant sleep hammers the server",
                "Use backoff with jitter"),
               ("All clients wait exactly one second, so they retry in step. Back off exponentially with jitter.",
                "A constant pause does not relieve an overloaded server.",
                "Retry delays should grow; a flat 1 second keeps the load up.")),
        Defect("pickle", "net/client.py", "return pickle.load(handle)", ("security",),
               ("Unpickling untrusted data runs code", "`pickle.load` is unsafe", "Insecure deserialization",
                "Arbitrary code execution through pickle"),
               ("Whoever can write the state file can execute code, because pickle calls what it is told to. Use JSON.",
                "Deserializing with pickle lets a crafted file run arbitrary commands.",
                "pickle must not be used for files that others can change; prefer a data-only format.")),
        Defect("page-zero", "net/client.py",
               'return [base + "?q=" + query + "&page=" + str(number) for number in range(pages)]', ("bug", "api"),
               ("Pages start at 0 but the API counts from 1", "Off by one in the page numbers",
                "The last page is never requested", "range(pages) should be range(1, pages + 1)"),
               ("`range(pages)` gives 0 to pages - 1, while the server numbers pages from 1: page 0 fails and the last "
                "one is missed.",
                "Numbering begins at zero. The API is one-based, so the final page is left out.",
                "Start at 1, otherwise the first request asks for page 0 and the last page is not fetched.")),
        Defect("page-encode", "net/client.py",
               'return [base + "?q=" + query + "&page=" + str(number) for number in range(pages)]',
               ("bug", "security"),
               ("Query is not URL-encoded", "`query` needs quoting", "Special characters in the query break the URL",
                "Use urlencode for the parameters"),
               ("A query with `&` or a space changes the URL's meaning. Use `urllib.parse.urlencode`.",
                "The text is put into the address unescaped, so `a&page=9` overrides the page.",
                "Encode `query` before it becomes part of the URL.")),
        Defect("counter-atomic", "net/client.py", "self.value = self.value + amount", ("concurrency", "bug"),
               ("Lost updates under threads", "Increment is not atomic", "Race condition in `add`",
                "`value` is updated without a lock"),
               ("Reading and writing `value` are two steps; two threads can overwrite each other's addition.",
                "The read-modify-write is unsynchronised, so counts get lost. Use a lock.",
                "Concurrent calls may both read the old value and one increment disappears.")),
        Defect("counter-reset", "net/client.py", "self.value = None", ("bug",),
               ("`reset` sets None, so the next `add` fails", "Reset should use 0",
                "add() after reset() raises TypeError", "None is not a valid counter value"),
               ("After `reset()` the value is None and `None + amount` raises a TypeError. Set it to 0.",
                "Adding to None does not work; initialise with zero.",
                "The counter cannot be used again once it was reset, since None cannot be added to.")),
        Defect("test-weak", "net/test_client.py", "assert urls", ("test", "maintainability"),
               ("The assertion checks nearly nothing", "Test only asserts that the list is not empty",
                "Weak test", "Assert the actual URLs"),
               ("`assert urls` passes for any non-empty list. Compare with the expected addresses.",
                "The test would succeed with wrong pages; check the contents.",
                "A truthy list is all that is verified here.")),
    ),
)  # fmt: skip

CART: Final = """\
export function totalPrice(items) {
  let total = 0;
  for (let i = 0; i <= items.length; i++) {
    total += items[i].price * items[i].count;
  }
  return total.toFixed(2);
}

export function renderName(user) {
  document.getElementById("name").innerHTML = user.name;
}

export async function saveCart(cart) {
  cart.items.forEach(async (item) => { await post("/api/item", item); });
  localStorage.setItem("token", cart.token);
}

export function isEmpty(cart) {
  return cart.items.length == "0";
}
"""

WEB: Final = Script(
    "web",
    {"web/cart.js": CART},
    (
        Defect("total-bound", "web/cart.js", "for (let i = 0; i <= items.length; i++) {", ("bug",),
               ("Loop runs one past the end", "Off-by-one: `<=` should be `<`", "Reads beyond the array",
                "items[items.length] is undefined"),
               ("`i <= items.length` visits an index that does not exist, and `items[i].price` throws.",
                "The last iteration accesses undefined. Use `<`.",
                "The condition lets i reach the length, one too far.")),
        Defect("total-string", "web/cart.js", "return total.toFixed(2);", ("api", "bug", "data"),
               ("`toFixed` returns a string", "Total is not a number", "Callers that add to the result concatenate",
                "String returned instead of a number"),
               ("`totalPrice` gives a string, so `totalPrice(a) + totalPrice(b)` joins text.",
                "toFixed makes text of the number. Return the number and format it when shown.",
                "The return type is string; arithmetic on it goes wrong.")),
        Defect("name-xss", "web/cart.js", 'document.getElementById("name").innerHTML = user.name;', ("security",),
               ("XSS through `user.name`", "User input assigned to innerHTML", "Use textContent",
                "Unescaped name allows script injection"),
               ("A name that holds markup is run as HTML in the page. Assign `textContent`.",
                "`innerHTML` with data of users is cross-site scripting.",
                "An attacker can put a script into the name; it is inserted as HTML.")),
        Defect("name-null", "web/cart.js", 'document.getElementById("name").innerHTML = user.name;', ("bug",),
               ("Element may be null", "No check that the element exists", "TypeError when #name is missing",
                "getElementById can return null"),
               ("If the page has no such element, `getElementById` returns null and the assignment throws.",
                "Guard against a missing element before it is used.",
                "On pages without the `name` node this raises a TypeError.")),
        Defect("save-await", "web/cart.js",
               'cart.items.forEach(async (item) => { await post("/api/item", item); });', ("bug", "concurrency"),
               ("forEach does not wait for the async callbacks", "`saveCart` resolves before the items are saved",
                "Promises are not awaited", "Use Promise.all instead of forEach"),
               ("`forEach` ignores the promises, so the function returns before any request has finished.",
                "The awaits inside the callback are not waited for. Use `for ... of` or `Promise.all`.",
                "Saving is still running when saveCart is done, as nobody awaits the callbacks.")),
        Defect("save-error", "web/cart.js",
               'cart.items.forEach(async (item) => { await post("/api/item", item); });', ("bug",),
               ("Failed posts are unhandled rejections", "Errors of `post` are lost", "No error handling for requests",
                "A failing item goes unnoticed"),
               ("When `post` rejects nobody catches it, and the user is not told that an item was not stored.",
                "There is no catch: a network failure becomes an unhandled rejection.",
                "Handle the error of each request and report it.")),
        Defect("save-token", "web/cart.js", 'localStorage.setItem("token", cart.token);', ("security",),
               ("Token stored in localStorage", "Secret is readable by any script", "Do not keep tokens in localStorage",
                "Session token exposed to XSS"),
               ("Anything in localStorage can be read by every script of the page. Use an HttpOnly cookie.",
                "A stolen token gives access to the account; local storage offers no protection.",
                "Credentials should not be persisted where JavaScript can read them.")),
        Defect("empty-equality", "web/cart.js", 'return cart.items.length == "0";', ("maintainability", "bug"),
               ("Loose comparison with a string", "Use === 0", "Length is compared with \"0\"",
                "Number compared to string by ==" ),
               ("`== \"0\"` works only by coercion. Compare with the number 0 by `===`.",
                "Comparing a number and a string relies on implicit conversion.",
                "Type coercion hides mistakes; use strict equality.")),
    ),
)  # fmt: skip

WORKER: Final = """\
import os
import subprocess
import tempfile


def run_job(job, log=[]):
    command = "convert " + job.source + " " + job.target
    status = subprocess.call(command, shell=True)
    log.append(job.name)
    return status == 0


def free_space(path):
    stats = os.statvfs(path)
    return stats.f_bavail * stats.f_frsize / 1024


def pick(jobs, limit):
    ready = [job for job in jobs if job.due < limit]
    return max(ready, key=lambda job: job.priority)


def scratch_file():
    name = tempfile.mktemp()
    return open(name, "w")


def parse_due(text):
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def parse_start(text):
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes) - 1
"""
STORE: Final = """\
package store

import (
	"database/sql"
	"log"
	"sync"
)

type Store struct {
	mu    sync.Mutex
	db    *sql.DB
	users map[string]string
}

func (s *Store) Names(prefix string) ([]string, error) {
	rows, err := s.db.Query("select name from users where name like $1", prefix+"%")
	if err != nil {
		return nil, err
	}
	names := []string{}
	for rows.Next() {
		var name string
		rows.Scan(&name)
		names = append(names, name)
	}
	return names, nil
}

func (s *Store) Put(id, name string) {
	s.mu.Lock()
	if name == "" {
		return
	}
	s.users[id] = name
	s.mu.Unlock()
}

func (s *Store) Get(id string) string {
	return s.users[id]
}

func (s *Store) Must(id string) string {
	name, ok := s.users[id]
	if !ok {
		log.Fatalf("no user %s", id)
	}
	return name
}
"""
_SPLIT = Defect(
    "due-split", "jobs/worker.py", 'return int(hours) * 60 + int(minutes)', ("bug", "data"),
    (
        "Malformed time raises ValueError", "No validation of the time text", "`text` without a colon crashes",
        "Unchecked parsing of hours and minutes",
    ),
    (
        "A value such as `9` or `9:30:00` cannot be unpacked into two parts and raises ValueError.",
        "The input format is assumed. Anything but HH:MM fails with an exception.",
        "Parsing breaks on unexpected input; catch ValueError and report which text was wrong.",
    ),
)  # fmt: skip

HELD_OUT: Final = (
    Script(
        "jobs",
        {"jobs/worker.py": WORKER},
        (
            Defect("run-shell", "jobs/worker.py", "status = subprocess.call(command, shell=True)", ("security", "bug"),
                   ("Command injection via shell=True", "Shell executes untrusted file names",
                    "Avoid `shell=True` with concatenated input", "A file name can run arbitrary commands"),
                   ("`job.source` reaches the shell unquoted; `a; rm -rf /` would be executed. Pass a list.",
                    "Building a command line from names and handing it to a shell lets an attacker inject commands.",
                    "Use a list of arguments and drop the shell, so that metacharacters have no effect.")),
            Defect("run-hang", "jobs/worker.py", "status = subprocess.call(command, shell=True)", ("bug", "performance"),
                   ("Child process can run for ever", "No timeout for the conversion", "`subprocess.call` may never return",
                    "A stuck converter blocks the worker"),
                   ("There is no time limit: if `convert` stalls, the worker waits indefinitely.",
                    "Pass `timeout=` to the call, or a hanging child occupies the worker.",
                    "When the tool gets stuck nothing ends it, and the queue stops.")),
            Defect("run-default", "jobs/worker.py", "def run_job(job, log=[]):", ("bug", "maintainability"),
                   ("Mutable default argument", "`log=[]` is shared between calls", "Default list keeps growing",
                    "Use None as the default for log"),
                   ("The list is created once, so every call appends to the same object.",
                    "A mutable default persists across calls. Default to None and create it inside.",
                    "Entries of earlier jobs stay in `log` because the default is evaluated only at definition.")),
            Defect("space-unit", "jobs/worker.py", "return stats.f_bavail * stats.f_frsize / 1024",
                   ("api", "docs", "maintainability"),
                   ("Unit of the result is unclear", "Returns kilobytes without saying so", "Magic number 1024",
                    "Document that the value is in KiB"),
                   ("Nothing says that the result is in KiB. Name the function accordingly or return bytes.",
                    "Callers cannot know that it was divided by 1024; put the unit in the name.",
                    "The division turns bytes to kilobytes silently.")),
            Defect("space-platform", "jobs/worker.py", "stats = os.statvfs(path)", ("bug", "api"),
                   ("`os.statvfs` does not exist on Windows", "Not portable", "Unix-only call",
                    "Use shutil.disk_usage for portability"),
                   ("On Windows the os module has no statvfs, so this raises AttributeError.",
                    "This works on Unix only. `shutil.disk_usage` is available everywhere.",
                    "The call is missing on some platforms; choose a portable one.")),
            Defect("pick-empty", "jobs/worker.py", "return max(ready, key=lambda job: job.priority)", ("bug",),
                   ("max() of an empty sequence", "ValueError when no job is ready", "Nothing due: `pick` crashes",
                    "Missing default for max"),
                   ("If no job is due `ready` is empty and `max` raises ValueError. Pass `default=None`.",
                    "The case of no ready jobs is not handled; the call fails.",
                    "An empty list has no maximum, so the scheduler dies when it is idle.")),
            Defect("pick-order", "jobs/worker.py", "return max(ready, key=lambda job: job.priority)", ("bug", "api"),
                   ("Lowest number should win, but max takes the highest", "Priority order is reversed",
                    "Wrong job picked: 1 is the most urgent", "Use min instead of max"),
                   ("Elsewhere priority 1 is the most urgent, so taking the largest starts the least important job.",
                    "The comparison is the wrong way round: the job with the greatest number is chosen.",
                    "Urgent jobs have small numbers; `max` selects the opposite end.")),
            Defect("scratch-race", "jobs/worker.py", "name = tempfile.mktemp()", ("security",),
                   ("mktemp is insecure", "Race between naming and opening the temporary file",
                    "Use mkstemp or NamedTemporaryFile", "Temporary file name can be hijacked"),
                   ("Another process can create the file between `mktemp` and `open` (a symlink, say).",
                    "`tempfile.mktemp` is deprecated since the name may be taken before it is opened.",
                    "Create the file atomically with `mkstemp`; otherwise an attacker may place a link there.")),
            _SPLIT,
            _twin(_SPLIT, "start-split", "jobs/worker.py", "return int(hours) * 60 + int(minutes) - 1"),
            Defect("start-minus", "jobs/worker.py", "return int(hours) * 60 + int(minutes) - 1", ("bug",),
                   ("Start time is one minute early", "Stray `- 1`", "Subtracting 1 shifts the start",
                    "Off by one minute"),
                   ("The `- 1` makes 00:00 negative and every start a minute too soon.",
                    "Why is 1 subtracted? `parse_due` does not, so start and due disagree.",
                    "Results are one minute less than the text says.")),
        ),
    ),
    Script(
        "store",
        {"store/store.go": STORE},
        (
            Defect("names-close", "store/store.go", 'rows, err := s.db.Query(', ("bug", "performance"),
                   ("Rows are never closed", "Missing `defer rows.Close()`", "Connection leak in Names",
                    "Result set stays open"),
                   ("Without `rows.Close()` the connection is not given back to the pool when the loop ends early.",
                    "The rows are left open, which leaks database connections. Defer the close.",
                    "Each call may hold a connection for ever since nothing closes the result.")),
            Defect("names-like", "store/store.go", 'rows, err := s.db.Query(', ("bug", "security"),
                   ("Wildcards in `prefix` are not escaped", "A percent sign matches everything",
                    "LIKE pattern built from raw input", "Escape % and _ in the prefix"),
                   ("If the prefix holds `%` or `_`, LIKE treats it as a wildcard and returns unrelated users.",
                    "User text becomes a pattern. Escape the metacharacters of LIKE.",
                    "A prefix of `%` lists all names, because it is taken as a pattern.")),
            Defect("names-scan", "store/store.go", "rows.Scan(&name)", ("bug",),
                   ("Error of Scan is ignored", "Unchecked error", "`rows.Scan` may fail silently",
                    "Return the scan error"),
                   ("When Scan fails the name stays empty and an empty entry is appended.",
                    "The returned error is dropped. Check it and return it.",
                    "A failing scan goes unnoticed and yields blank names.")),
            Defect("names-err", "store/store.go", "return names, nil", ("bug",),
                   ("rows.Err() is not checked", "Iteration errors are lost", "Partial results returned as complete",
                    "Check rows.Err after the loop"),
                   ("`rows.Next` returns false on an error too; without `rows.Err()` a cut result looks whole.",
                    "If the connection breaks in the middle, the names so far are returned with a nil error.",
                    "After the loop the iteration error must be looked at.")),
            Defect("put-unlock", "store/store.go", "s.mu.Lock()", ("concurrency", "bug"),
                   ("Mutex stays locked on early return", "Missing unlock when name is empty", "Deadlock after an empty name",
                    "Use defer s.mu.Unlock()"),
                   ("The return inside the if leaves the lock held, so the next Put blocks for ever.",
                    "With an empty name `Unlock` is never reached. Defer it.",
                    "The early exit forgets to release the mutex and everything deadlocks.")),
            Defect("put-silent", "store/store.go", 'if name == "" {', ("api", "bug"),
                   ("Empty names are ignored in silence", "Put gives no error for an empty name",
                    "Invalid input is dropped silently", "Return an error for an empty name"),
                   ("The caller cannot tell that nothing was stored. Return an error.",
                    "An empty name is discarded without any sign.",
                    "Silently ignoring the call hides mistakes of callers.")),
            Defect("get-race", "store/store.go", "return s.users[id]", ("concurrency",),
                   ("Map read without the lock", "Data race between Get and Put", "Unsynchronised access to `users`",
                    "Get must hold s.mu"),
                   ("`users` is written under the mutex but read here without it; concurrent map access panics.",
                    "Reading a map while another goroutine writes it is a race. Take the lock.",
                    "Put locks, Get does not, so the two can run at once.")),
            Defect("must-fatal", "store/store.go", 'log.Fatalf("no user %s", id)', ("bug", "api"),
                   ("log.Fatalf ends the whole process", "A missing user kills the server", "Library code should not exit",
                    "Return an error instead of Fatalf"),
                   ("`Fatalf` calls os.Exit, so one unknown id takes the service down.",
                    "An absent user is no reason to terminate the program; give the error to the caller.",
                    "Exiting from a package function skips deferred calls and stops everything.")),
        ),
    ),
)  # fmt: skip

CHOSEN_ON: Final = (SHOP, NET, WEB)
