"""Secrets of all kinds with real check digits, each of them once; and texts that look like secrets and are none."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import uuid
from collections.abc import Callable, Iterator

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WORDS = LETTERS + LETTERS.lower() + "0123456789"

#: A pattern of an application, and a key; beside the built-in kinds.
PATTERNS = r"acme-token: ACME-[0-9]{4}-[A-Z]{8}"
KEYS = "*password*"


class Maker:
    """Makes secrets; the same ones for the same seed."""

    def __init__(self, seed: int = 19) -> None:
        self.random = random.Random(seed)

    def word(self, length: int, of: str = WORDS) -> str:
        return "".join(self.random.choices(of, k=length))

    def digits(self, length: int) -> str:
        return self.word(length, "0123456789")

    def card(self, prefix: str = "4", length: int = 16, gap: str = "", groups: tuple[int, ...] = ()) -> str:
        digits = prefix + self.digits(length - len(prefix) - 1)
        digits += next(check for check in "0123456789" if passes_luhn(digits + check))
        if not gap:
            return digits
        parts, start = [], 0
        for size in groups or (4, 4, 4, 4):
            parts.append(digits[start : start + size])
            start += size
        return gap.join(parts)

    def iban(self, country: str = "DE", length: int = 22, gap: str = "") -> str:
        rest = self.digits(length - 4)
        number = int("".join(str(int(c, 36)) for c in f"{rest}{country}00"))
        iban = f"{country}{98 - number % 97:02}{rest}"
        return gap.join(iban[n : n + 4] for n in range(0, length, 4)) if gap else iban

    def jwt(self) -> str:
        claims = [{"alg": "HS256", "typ": "JWT"}, {"sub": self.digits(8), "name": self.word(6)}]
        parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in claims]
        return ".".join([*parts, self.word(43)])

    def private_key(self, kind: str = "RSA ") -> str:
        lines = "\n".join(self.word(64) for _ in range(4))
        return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


#: What makes a text with a secret, and the secret in it.
SECRETS: dict[str, Callable[[Maker], tuple[str, str]]] = {
    "card": lambda m: _in("paid with {}", m.card()),
    "card-in-groups": lambda m: _in("card {} expired", m.card("51", gap=" ")),
    "card-amex": lambda m: _in("{}", m.card("37", 15, "-", (4, 6, 5))),
    "card-behind-letters": lambda m: _in("PAN{};ok", m.card("6011")),
    "bearer": lambda m: _in("Authorization: Bearer {}", m.word(32)),
    "basic": lambda m: _in("authorization: Basic {}", base64.b64encode(f"u:{m.word(12)}".encode()).decode()),
    "jwt": lambda m: _in("token={} rejected", m.jwt()),
    "url-credentials": lambda m: _in("postgresql://shop:{}@db.internal:5432/orders", m.word(14)),
    "url-token-user": lambda m: _in("https://{}@git.internal/acme/shop.git", m.word(30) + "7"),
    "url-signature": lambda m: _in(
        "https://s3.internal/k?X-Amz-Expires=60&X-Amz-Signature={}", m.word(64, "0123456789abcdef")
    ),
    "url-sig": lambda m: _in("GET /blob?sv=2024&sig={}&se=1", m.word(30)),
    "url-access-token": lambda m: _in("/callback#access_token={}", m.word(24)),
    "email": lambda m: _in("sent to {} today", f"{m.word(9)}.x@mail.example.com"),
    "email-encoded": lambda m: _in("/users?mail={}", f"{m.word(9)}%40example.org"),
    "iban": lambda m: _in("debit {}", m.iban()),
    "iban-in-groups": lambda m: _in("to {} Sparkasse", m.iban("FR", 27, " ")),
    "private-key": lambda m: _in("key:\n{}\n", m.private_key()),
    "aws-key-id": lambda m: _in("AKIA{} denied", m.word(16, LETTERS + "234567")),
    "aws-secret": lambda m: _in("aws_secret_access_key = {}", m.word(40)),
    "github": lambda m: _in("using ghp_{}", m.word(36)),
    "google": lambda m: _in("key AIza{}", m.word(35)),
    "own-pattern": lambda m: _in("got ACME-{}", f"{m.digits(4)}-{m.word(8, LETTERS)}"),
    "key-in-json": lambda m: _in('login {{"user": 1, "password": "{}"}}', m.word(10)),
}


def _in(text: str, secret: str) -> tuple[str, str]:
    return text.format(secret), secret


def passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def look_alikes() -> list[str]:
    """Texts that have to arrive as they are."""
    return list(dict.fromkeys(_look_alikes(Maker(7))))


def _look_alikes(m: Maker) -> Iterator[str]:
    for _ in range(50):
        card = m.card(m.random.choice(("4", "51", "6011")))
        # Another check digit is a wrong one.
        yield f"order {card[:-1]}{(int(card[-1]) + m.random.randint(1, 9)) % 10}"
        iban = m.iban(*m.random.choice((("DE", 22), ("FR", 27), ("GB", 22))))
        yield f"ref {iban[:2]}{(int(iban[2:4]) + 1) % 100:02}{iban[4:]}"
        yield f"request {uuid.UUID(int=m.random.getrandbits(128), version=4)}"
        yield m.word(32, "0123456789abcdef")
        yield f"sha256:{hashlib.sha256(m.word(9).encode()).hexdigest()}"
        yield f"ORD-{m.digits(6)}-{m.digits(4)}"
        yield f"10.{m.random.randint(0, 255)}.{m.random.randint(0, 255)}.{m.random.randint(1, 254)}:{m.random.randint(1024, 65535)}"
    for number in range(20):
        yield f"{m.random.randint(0, 9)}.{m.random.randint(0, 99)}.{number}"
        yield f"v{number}.{m.digits(2)}.{m.digits(3)}-rc.{number}"
        yield f"2026-11-{number + 1:02}T0{number % 10}:30:00.{m.digits(9)}Z"
        yield f"at {1_790_000_000_000 + number * 977}"
        yield f"{1_790_000_000_000_000_000 + number * 1_000_003}"
        yield f"0.{m.digits(18)}"
        yield f"{number}.{m.digits(16)}"
        yield f"+49 170 {m.digits(7)}"
        yield f"(0{number}) {m.digits(3)}-{m.digits(4)}"
        yield f"data:image/png;base64,{m.word(200)}"
        yield f"https://shop.example.com/orders/{m.digits(6)}?page={number}&sort=asc"
        yield f"http://[::1]:80{number:02}/items#part-{number}"
        yield f"user{number}@"
        yield f"@decorator{number}.route"
        yield f"lodash@4.17.{number}"
        yield f"git@github.com:acme/shop{number}.git"
        yield f"snowflake 17{m.digits(17)}"
        yield f"task-management-board-{number}-view"
        yield f"SELECT * FROM t{number} WHERE id = {m.digits(5)}"
        yield f"icon{number}@2x.png"
    yield from (
        "Bearer authentication failed", "basic authentication", "a bearer of news", "Basic 5000", "@", "=", "://",
        "PUBLIC KEY", "-----BEGIN CERTIFICATE-----", "eyJ", "the secret is out", "token expired", "sk-loading-spinner-x",
        "AKIA", "password", "next_page_token", "0000 0000 0000 0000", "1234567890123456", "Mozilla/5.0 (X11; Linux x86_64)",
        "key=value", "a=b&c=d", "GET /search?q=token", "ftp://mirror.example.com:21/pub", "x@y", "root@localhost",
        "10:22:33:44:55:66", "1,234,567,890,123.45", "DE12", "GB82 WEST", "ssh://git@github.com/acme/shop.git",
    )  # fmt: skip
