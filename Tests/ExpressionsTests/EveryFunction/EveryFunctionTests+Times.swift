import VolleyPlan

extension EveryFunctionTests {
  static func times() -> [Comparison] {
    var list = added() + zones() + mixedUnits()
    func time(_ name: String, _ type: DataType, _ call: Expression, _ python: String) {
      list.append(Comparison(name, [.time(type)], python, call: call))
    }
    let types: [DataType] = [
      .timestamp(.second), .timestamp(.microsecond), .timestamp(.nanosecond, timezone: "UTC"), .date32, .date64,
    ]
    for type in types {
      time("date_truncate", type, call("date_truncate", .text("month"), a), "pc.floor_temporal(a, 1, 'month')")
      time("date_truncate", type, call("date_truncate", .text("week"), a, .int(2)), "pc.floor_temporal(a, 2, 'week')")
      time("date_ceil", type, call("date_ceil", .text("day"), a, .int(3)), "pc.ceil_temporal(a, 3, 'day')")
      for (field, peer) in [("year", "year"), ("week", "iso_week"), ("day_of_year", "day_of_year")] {
        time("extract", type, call("extract", .text(field), a), "pc.\(peer)(a)")
      }
      time("date_format", type, call("date_format", a, .text("%d.%m.%Y %j")), "pc.strftime(a, '%d.%m.%Y %j')")
      let weeks = call("date_diff", .text("week"), a, b)
      list.append(Comparison("date_diff", [.time(type), .time(type)], "pc.weeks_between(a, b)", call: weeks))
    }
    for type in [DataType.time32(.second), .time64(.nanosecond)] {
      time("extract", type, call("extract", .text("minute"), a), "pc.minute(a)")
    }
    let form = "%Y-%m-%d %H:%M:%S"
    list.append(
      Comparison(
        "date_parse", [.dateText], "pc.strptime(a, format='\(form)', unit='ms')",
        call: call("date_parse", a, .text(form), .text("ms"))))
    list.append(
      Comparison(
        "try_date_parse", [.dateText], "pc.strptime(a, format='\(form)', unit='s', error_is_null=True)",
        call: call("try_date_parse", a, .text(form), .text("s"))))
    return list
  }

  private static func added() -> [Comparison] {
    var list: [Comparison] = []
    for type in [DataType.timestamp(.millisecond), .timestamp(.microsecond), .date32] {
      let columns: [RandomArgument] = [.time(type), .between(-300...300, .int64)]
      let (months, weeks) = (call("date_add", .text("month"), b, a), call("date_add", .text("week"), b, a))
      list.append(Comparison("date_add", columns, "each(months, a, b)", call: months))
      list.append(
        Comparison("date_add", columns, "each(lambda t, n: t + datetime.timedelta(weeks=n), a, b)", call: weeks))
    }
    let columns: [RandomArgument] = [.time(.timestamp(.microsecond)), .interval]
    list.append(Comparison("add_interval", columns, "each(lambda t, i: later(t, i, 1), a, b)"))
    list.append(Comparison("subtract_interval", columns, "each(lambda t, i: later(t, i, -1), a, b)"))
    return list
  }

  private static func zones() -> [Comparison] {
    var list: [Comparison] = []
    for zone in ["Europe/Berlin", "Asia/Kathmandu", "+05:30"] {
      list.append(
        Comparison(
          "to_zone", [.time(.timestamp(.second, timezone: "UTC"))], "a.cast(pa.timestamp('s', '\(zone)'))",
          call: call("to_zone", a, .text(zone))))
      list.append(Comparison("local_time", [.time(.timestamp(.millisecond, timezone: zone))], "pc.local_timestamp(a)"))
      list.append(
        Comparison(
          "assume_zone", [.time(.timestamp(.second))],
          "pc.assume_timezone(a, '\(zone)', ambiguous='earliest', nonexistent='latest')",
          call: call("assume_zone", a, .text(zone), .text("earliest"), .text("latest"))))
    }
    return list
  }

  /// Every unit beside every other; what does not fit the finer one stops on both sides.
  private static func mixedUnits() -> [Comparison] {
    var list: [Comparison] = []
    for left in TimeUnit.allCases {
      for right in TimeUnit.allCases {
        let zone = left == .second ? "Europe/Berlin" : nil
        for first in [DataType.timestamp(left, timezone: zone), .duration(left), .date32] {
          let sides: [RandomArgument] = [.timeOrExtreme(first), .timeOrExtreme(.duration(right))]
          list.append(Comparison("add", sides, "held(pc.add_checked, a, b)"))
          list.append(Comparison("add", sides.reversed(), "held(pc.add_checked, a, b)"))
          list.append(Comparison("subtract", sides, "held(pc.subtract_checked, a, b)"))
        }
        let times: [RandomArgument] = [.timeOrExtreme(.timestamp(left)), .timeOrExtreme(.timestamp(right))]
        list.append(Comparison("subtract", times, "held(pc.subtract_checked, a, b)"))
        for name in ["equal", "less_than_or_equal"] where left != right {
          let peer = name == "equal" ? "equal" : "less_equal"
          list.append(Comparison(name, times, "pc.\(peer)(a, b)"))
        }
      }
    }
    return list
  }
}
