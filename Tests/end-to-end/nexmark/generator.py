"""The generator of Plugins/nexmark, written anew from what the standard's does and how numbers are drawn: the same events."""

import datetime
import math

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
FIRST_TIME = datetime.datetime(2015, 7, 15)
STATES = "AZ,CA,ID,OR,WA,WY".split(",")
CITIES = "Phoenix,Los Angeles,San Francisco,Boise,Portland,Bend,Redmond,Seattle,Kent,Cheyenne".split(",")
FIRST_NAMES = "Peter,Paul,Luke,John,Saul,Vicky,Kate,Julie,Sarah,Deiter,Walter".split(",")
LAST_NAMES = "Shultz,Abrams,Spencer,White,Bartels,Walton,Smith,Jones,Noris".split(",")
HOT_CHANNELS = ["Google", "Facebook", "Baidu", "Apple"]
PADDING, CHANNELS = MASK, MASK - 1
PERSON, AUCTION, BID = 0, 1, 2


def mixed(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


class Random:
    """SplitMix64 from a state that a seed and a stream give."""

    def __init__(self, seed, stream):
        self.state = mixed((mixed((seed + GOLDEN) & MASK) + stream * 0xD1B54A32D192ED03) & MASK)

    def next(self):
        self.state = (self.state + GOLDEN) & MASK
        return mixed(self.state)

    def below(self, bound):
        return self.next() * bound >> 64

    def hot(self, bound):
        return self.below(bound) > 0

    def price(self):
        return math.floor(math.pow(10.0, (self.next() >> 11) * 2.0**-53 * 6.0) * 100.0 + 0.5)

    def word(self, longest, blank=" "):
        letters = []
        for _ in range(3 + self.below(longest - 3)):
            letters.append(blank if self.below(13) == 0 else chr(ord("a") + self.below(26)))
        return "".join(letters).strip(" ")


class Generator:
    def __init__(self, seed, rate):
        self.seed, self.delay = seed, 1_000_000 / rate
        random = Random(seed, PADDING)
        letters = []
        while len(letters) < 65536:
            number = random.next() >> 32
            number -= (number >> 31) << 32
            sign = -1 if number < 0 else 1
            number = abs(number)
            for _ in range(6):
                letters.append(chr(ord("a") + sign * (number % 26)))
                number //= 26
        self.padding = "".join(letters[:65536])
        random = Random(seed, CHANNELS)
        self.channels = [(name, self.address(random)) for name in HOT_CHANNELS]
        for channel in range(10_000):
            address = self.address(random)
            if random.hot(10):
                reversed = int(f"{channel:032b}"[::-1], 2)
                # As Java's: the least 32-bit number has no absolute value.
                number = reversed if reversed < 1 << 31 else -(1 << 31) if reversed == 1 << 31 else (1 << 32) - reversed
                address += f"&channel_id={number}"
            self.channels.append((f"channel-{channel}", address))

    @staticmethod
    def address(random):
        return "https://www.nexmark.com/" + "".join(random.word(5, "_") + "/" for _ in range(3)) + "item.htm?query=1"

    def milliseconds(self, number):
        return int(number * self.delay) // 1000

    def extra(self, random, size, average):
        if size > average:
            return ""
        missing = average - size
        spread = math.floor(missing * 0.2 + 0.5)
        count = missing - spread + (random.below(2 * spread) if spread else 0)
        start = random.below(len(self.padding) - count)
        return self.padding[start : start + count]

    @staticmethod
    def any_person(number, random):
        persons = number // 50 + 1
        active = min(persons, 1000)
        return persons - active + random.below(active + 10)

    @staticmethod
    def newest_auction(number):
        epoch, place = divmod(number, 50)
        if place < 1:
            return epoch * 3 - 1
        return epoch * 3 + (place - 1 if place < 4 else 2)

    def event(self, number):
        """A row as DuckDB gives it."""
        random = Random(self.seed, number)
        place = number % 50
        milliseconds = self.milliseconds(number)
        time = FIRST_TIME + datetime.timedelta(milliseconds=milliseconds)
        row = {"event_type": BID, "person": None, "auction": None, "bid": None, "dateTime": time}
        hot_person = number // 50 // 100 * 100
        if place < 1:
            row["event_type"] = PERSON
            name = FIRST_NAMES[random.below(11)] + " " + LAST_NAMES[random.below(9)]
            email = random.word(7) + "@" + random.word(5) + ".com"
            card = " ".join(f"{random.below(10_000):04d}" for _ in range(4))
            city, state = CITIES[random.below(10)], STATES[random.below(6)]
            size = 8 + sum(map(len, [name, email, card, city, state]))
            row["person"] = {
                "id": number // 50 + 1000, "name": name, "emailAddress": email, "creditCard": card, "city": city, "state": state,
                "dateTime": time, "extra": self.extra(random, size, 200)}
        elif place < 4:
            row["event_type"] = AUCTION
            seller = hot_person if random.hot(4) else self.any_person(number, random)
            category = 10 + random.below(5)
            initial = random.price()
            horizon = self.milliseconds(number + 1666) - milliseconds
            length = 1 + random.below(max(2 * horizon, 1))
            name, description = random.word(20), random.word(100)
            reserve = initial + random.price()
            row["auction"] = {
                "id": self.newest_auction(number) + 1000, "itemName": name, "description": description, "initialBid": initial,
                "reserve": reserve, "dateTime": time, "expires": time + datetime.timedelta(milliseconds=length),
                "seller": seller + 1000, "category": category,
                "extra": self.extra(random, 48 + len(name) + len(description), 500)}
        else:
            newest = self.newest_auction(number)
            if random.hot(2):
                auction = newest // 100 * 100
            else:
                oldest = max(newest - 100, 0)
                auction = oldest + random.below(newest - oldest + 1 + 10)
            bidder = hot_person + 1 if random.hot(4) else self.any_person(number, random)
            price = random.price()
            channel, url = self.channels[random.below(4) if random.hot(2) else 4 + random.below(10_000)]
            row["bid"] = {
                "auction": auction + 1000, "bidder": bidder + 1000, "price": price, "channel": channel, "url": url,
                "dateTime": time, "extra": self.extra(random, 32, 100)}
        return row
