"""What each query of NEXMark says, as SQL for DuckDB over the views person, auction and bid.

The meaning is that of github.com/nexmark/nexmark's Flink SQL. Where that leaves something open:

- Of rows that are equal in what they are ordered by the earlier one comes first, then the one that is less in its other columns, in
  their order.
- q6, which Flink cannot run, is the average of the winning bids of a seller's last ten auctions, told as each auction ends that had
  a bid; auctions of a seller end in the order of `expires`, then `id`.
- q7 takes the bids of the window itself; Flink's SQL compares again with its end, which would be the next window's first moment.
- q11: a session ends 10 s after its last bid, and a bid at that moment begins the next; Flink's would be one session.
- q12: processing time is a column, `p_time`.
- An average of whole numbers is a whole number, rounded down, as Flink's.
"""

# The columns that tell rows apart whose results are revised: the last of each counts. None: rows are never revised.
KEYS = {"q4": ["id"], "q9": ["id"], "q15": ["day"], "q16": ["channel", "day"], "q17": ["auction", "day"],
        "q18": ["bidder", "auction"], "q19": ["auction", "rank_number"]}

VIEWS = """
    create view person as select person.id as id, person.name as name, person.emailAddress as emailAddress,
      person.creditCard as creditCard, person.city as city, person.state as state, dateTime, person.extra as extra
      from events where event_type = 0;
    create view auction as select auction.id as id, auction.itemName as itemName, auction.description as description,
      auction.initialBid as initialBid, auction.reserve as reserve, dateTime, auction.expires as expires,
      auction.seller as seller, auction.category as category, auction.extra as extra from events where event_type = 1;
    create view bid as select bid.auction as auction, bid.bidder as bidder, bid.price as price, bid.channel as channel,
      bid.url as url, dateTime, bid.extra as extra, p_time from events where event_type = 2;
    create view side_input as select range as key, range::varchar as value from range(10000);
    create macro window_start(t, seconds) as make_timestamp(epoch_us(t) // (seconds * 1000000) * (seconds * 1000000));
    create view winning as select * from (
      select A.*, B.auction, B.bidder, B.price, B.dateTime as bid_dateTime, B.extra as bid_extra, row_number() over (
        partition by A.id order by B.price desc, B.dateTime, B.bidder, B.channel, B.url, B.extra) as place
      from auction A join bid B on A.id = B.auction and B.dateTime between A.dateTime and A.expires) where place = 1;
"""

RANKS = """count(*) as total_bids, count(*) filter (price < 10000) as rank1_bids,
    count(*) filter (price >= 10000 and price < 1000000) as rank2_bids, count(*) filter (price >= 1000000) as rank3_bids"""


def distinct(column):
    return f"""count(distinct {column}) as total_{column}s, count(distinct {column}) filter (price < 10000) as rank1_{column}s,
        count(distinct {column}) filter (price >= 10000 and price < 1000000) as rank2_{column}s,
        count(distinct {column}) filter (price >= 1000000) as rank3_{column}s"""


QUERIES = {
    "q0": "select auction, bidder, price, dateTime, extra from bid",
    "q1": "select auction, bidder, (0.908 * price)::decimal(23, 3) as price, dateTime, extra from bid",
    "q2": "select auction, price from bid where auction % 123 = 0",
    "q3": """select P.name, P.city, P.state, A.id from auction A join person P on A.seller = P.id
        where A.category = 10 and P.state in ('OR', 'ID', 'CA')""",
    "q4": """select category as id, (sum(final) // count(*))::bigint as final from (
          select max(B.price) as final, A.category from auction A, bid B
          where A.id = B.auction and B.dateTime between A.dateTime and A.expires group by A.id, A.category)
        group by category""",
    "q5": """with counted as (
          select auction, count(*) as num, start
          from (select auction, window_start(dateTime, 2) - to_seconds(2 * n) as start from bid, range(5) as slides(n))
          group by auction, start)
        select auction, num from counted qualify num = max(num) over (partition by start)""",
    "q6": """select seller, (sum(price) over last10 // count(*) over last10)::bigint as avg_price from winning
        window last10 as (partition by seller order by expires, id rows between 9 preceding and current row)""",
    "q7": """select auction, bidder, price, dateTime, extra from bid
        qualify price = max(price) over (partition by window_start(dateTime, 10))""",
    "q8": """select P.id, P.name, P.start as stime
        from (select distinct id, name, window_start(dateTime, 10) as start from person) P
        join (select distinct seller, window_start(dateTime, 10) as start from auction) A on P.id = A.seller and P.start = A.start""",
    "q9": """select id, itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra, auction, bidder, price,
          bid_dateTime, bid_extra from winning""",
    "q10": """select auction, bidder, price, dateTime, extra, strftime(dateTime, '%Y-%m-%d') as dt,
          strftime(dateTime, '%H:%M') as hm from bid""",
    "q11": """select bidder, count(*) as bid_count, min(dateTime) as starttime, max(dateTime) + interval 10 second as endtime from (
          select *, sum(begins) over (partition by bidder order by dateTime, begins desc rows unbounded preceding) as session from (
            select bidder, dateTime, (dateTime - lag(dateTime) over (partition by bidder order by dateTime)
              >= interval 10 second)::int as begins from bid))
        group by bidder, coalesce(session, 0)""",
    "q12": """select bidder, count(*) as bid_count, window_start(p_time, 10) as starttime,
          window_start(p_time, 10) + interval 10 second as endtime from bid group by bidder, window_start(p_time, 10)""",
    "q13": """select B.auction, B.bidder, B.price, B.dateTime, S.value from bid B join side_input S on B.auction % 10000 = S.key""",
    "q14": """select auction, bidder, (0.908 * price)::decimal(23, 3) as price,
          case when hour(dateTime) >= 8 and hour(dateTime) <= 18 then 'dayTime'
            when hour(dateTime) <= 6 or hour(dateTime) >= 20 then 'nightTime' else 'otherTime' end as bidTimeType,
          dateTime, extra, length(extra) - length(replace(extra, 'c', '')) as c_counts
        from bid where 0.908 * price > 1000000 and 0.908 * price < 50000000""",
    "q15": f"""select strftime(dateTime, '%Y-%m-%d') as day, {RANKS}, {distinct('bidder')}, {distinct('auction')}
        from bid group by day""",
    "q16": f"""select channel, strftime(dateTime, '%Y-%m-%d') as day, max(strftime(dateTime, '%H:%M')) as minute, {RANKS},
          {distinct('bidder')}, {distinct('auction')} from bid group by channel, day""",
    "q17": f"""select auction, strftime(dateTime, '%Y-%m-%d') as day, {RANKS}, min(price) as min_price, max(price) as max_price,
          (sum(price) // count(*))::bigint as avg_price, sum(price)::bigint as sum_price from bid group by auction, day""",
    "q18": """select auction, bidder, price, channel, url, dateTime, extra from bid qualify row_number() over (
          partition by bidder, auction order by dateTime desc, price, channel, url, extra) = 1""",
    "q19": """select auction, bidder, price, channel, url, dateTime, extra, row_number() over (
          partition by auction order by price desc, dateTime, bidder, channel, url, extra) as rank_number
        from bid qualify rank_number <= 10""",
    "q20": """select auction, bidder, price, channel, url, B.dateTime as bid_dateTime, B.extra as bid_extra, itemName, description,
          initialBid, reserve, A.dateTime as auction_dateTime, expires, seller, category, A.extra as auction_extra
        from bid B join auction A on B.auction = A.id where A.category = 10""",
    "q21": """select auction, bidder, price, channel, case lower(channel) when 'apple' then '0' when 'google' then '1'
            when 'facebook' then '2' when 'baidu' then '3' else number end as channel_id
        from (select *, nullif(regexp_extract(url, '(&|^)channel_id=([^&]*)', 2), '') as number from bid)
        where number is not null or lower(channel) in ('apple', 'google', 'facebook', 'baidu')""",
    "q22": """select auction, bidder, price, channel, split_part(url, '/', 4) as dir1, split_part(url, '/', 5) as dir2,
          split_part(url, '/', 6) as dir3 from bid""",
}
