/// What the comparisons' Python may use beside `pa` and `pc`.
enum PeerPrelude {
  static let text = """
    import calendar, datetime, decimal, math, struct
    D = decimal.Decimal
    decimal.getcontext().prec = 100

    def real(a):
        # What functions of real numbers are computed of.
        return a if pa.types.is_floating(a.type) else pc.cast(a, pa.float64(), safe=False)

    def each(f, *columns, type=None):
        # A function of Python's values, null where one of them is.
        rows = zip(*[c.to_pylist() for c in columns])
        return pa.array([None if None in row else f(*row) for row in rows], type or columns[0].type)

    def tried(f, *columns):
        # A function of columns, null where it has no result.
        def one(row):
            try: return f(*row)[0].as_py()
            except (pa.ArrowInvalid, ArithmeticError): return None
        return pa.array([one([c.slice(i, 1) for c in columns]) for i in range(len(columns[0]))], columns[0].type)

    def whole_remainder(a, b):
        # Of integers; where there is no quotient there is none.
        pc.divide_checked(a, b)
        return each(lambda x, y: abs(x) % abs(y) * (-1 if x < 0 else 1), a, b)

    def held(f, a, b):
        # pyarrow's arithmetic of times also refuses what lies under nulls, so that is 0, once both sides were brought to
        # the finer unit.
        both = pc.and_(a.is_valid(), b.is_valid())
        unit = f(a[:0], b[:0]).type.unit
        def finer(c):
            is_duration = pa.types.is_duration(c.type)
            return c.cast(pa.duration(unit) if is_duration else pa.timestamp(unit, getattr(c.type, 'tz', None)))
        result = f(*[pc.if_else(both, c, pa.scalar(0, c.type)) for c in (finer(a), finer(b))])
        return pc.if_else(both, result, pa.scalar(None, result.type))

    def written(a):
        # Times as text.
        if not pa.types.is_timestamp(a.type): return a.cast(pa.string())
        text = pc.strftime(a.cast(pa.timestamp(a.type.unit)), format='%Y-%m-%dT%H:%M:%S')
        return pc.binary_join_element_wise(text, pa.scalar('Z' if a.type.tz else ''), '')

    def within(a, values):
        # SQL's: of null it is not known.
        return pc.if_else(pc.is_valid(a), pc.is_in(a, value_set=pa.array(values, a.type)), None)

    def sql(expression, *columns):
        # An expression of DuckDB over the columns a, b, …
        import duckdb
        names = [chr(97 + i) for i in range(len(columns))] + ['row']
        t = pa.table([*columns, pa.array(range(len(columns[0])), pa.int64())], names=names)
        with duckdb.connect() as connection:
            connection.register('t', t)
            found = connection.execute(f'select {expression} from t order by row').to_arrow_table().column(0)
            return found.combine_chunks()

    def remainder(x, y):
        # Of floats, by IEEE 754.
        return math.nan if y == 0 or math.isnan(x) or math.isnan(y) or math.isinf(x) else math.fmod(x, y)

    def months(t, n):
        y, m = divmod(t.year * 12 + t.month - 1 + n, 12)
        return t.replace(year=y, month=m + 1, day=min(t.day, calendar.monthrange(y, m + 1)[1]))

    def later(t, i, sign):
        return months(t, sign * i.months) + sign * datetime.timedelta(days=i.days, microseconds=i.nanoseconds // 1000)

    def hashed(*columns):
        # The published hash of keys.
        import xxhash
        def plain(v):
            if v is None: return b'volley null'
            if isinstance(v, str): return v.encode()
            if isinstance(v, int): return struct.pack('<q', v)
            return struct.pack('<Q', 0x7FF8000000000000) if math.isnan(v) else struct.pack('<d', v + 0.0)
        def encoded(v):
            if v is None: return bytes(1)
            if isinstance(v, str): return bytes([1]) + v.encode().replace(bytes(1), bytes([0, 255])) + bytes(2)
            return bytes([1]) + struct.pack('>Q', v + 2**63)
        rows = zip(*[c.to_pylist() for c in columns])
        keys = [plain(row[0]) if len(row) == 1 else b''.join(map(encoded, row)) for row in rows]
        return pa.array([xxhash.xxh3_64_intdigest(key) for key in keys], pa.uint64())


    """
}
