import VolleyPlan

extension ColumnExpression {
  /// A field of a struct; null where the struct is.
  public func field(_ name: String) -> ColumnExpression { .call("struct_field", [self, lit(name)]) }

  /// The item of a list at an index from 0, from the end if it is negative; null where the list has none there.
  public func element(_ index: ColumnExpression) -> ColumnExpression { .call("list_element", [self, index]) }

  /// How many items a list or entries a map has, as int64.
  public var itemCount: ColumnExpression { .call("list_length", [self]) }

  /// Whether an item of a list is equal to a constant.
  public func containsItem(_ value: ColumnExpression) -> ColumnExpression { .call("list_contains", [self, value]) }

  /// The value of the first entry of a map with a constant key; null where there is none.
  public func value(forKey key: ColumnExpression) -> ColumnExpression { .call("map_lookup", [self, key]) }
}
