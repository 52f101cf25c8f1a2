/// `VOLLEY_HAS` as functions, for languages that cannot use a macro. Not part of the boundary: each side compiles its own.
#ifndef VOLLEY_SLOTS_H
#define VOLLEY_SLOTS_H

#include "volley.h"

#define VOLLEY_SLOT(table, slot)                                                                              \
  static inline int32_t table##_has_##slot(const table *pointer) { return VOLLEY_HAS(pointer, slot); }

VOLLEY_SLOT(volley_error, message)
VOLLEY_SLOT(volley_host, interface)
VOLLEY_SLOT(volley_emit, emit)
VOLLEY_SLOT(volley_log, log)
VOLLEY_SLOT(volley_metrics, add)
VOLLEY_SLOT(volley_parameters, value)
VOLLEY_SLOT(volley_context, options)
VOLLEY_SLOT(volley_instance, table)
VOLLEY_SLOT(volley_scalar_function, open)
VOLLEY_SLOT(volley_scalar_function, close)
VOLLEY_SLOT(volley_scalar_function, destroy)
VOLLEY_SLOT(volley_scalar_function, call)
VOLLEY_SLOT(volley_batch_function, open)
VOLLEY_SLOT(volley_batch_function, close)
VOLLEY_SLOT(volley_batch_function, destroy)
VOLLEY_SLOT(volley_batch_function, process)
VOLLEY_SLOT(volley_batch_function, flush)
VOLLEY_SLOT(volley_source, open)
VOLLEY_SLOT(volley_source, close)
VOLLEY_SLOT(volley_source, destroy)
VOLLEY_SLOT(volley_source, read)
VOLLEY_SLOT(volley_source, stop)
VOLLEY_SLOT(volley_sink, open)
VOLLEY_SLOT(volley_sink, close)
VOLLEY_SLOT(volley_sink, destroy)
VOLLEY_SLOT(volley_sink, write)
VOLLEY_SLOT(volley_sink, flush)
VOLLEY_SLOT(volley_sink, finish)
VOLLEY_SLOT(volley_parameter, name)
VOLLEY_SLOT(volley_parameter, type)
VOLLEY_SLOT(volley_parameter, default_value)
VOLLEY_SLOT(volley_parameter, description)
VOLLEY_SLOT(volley_plan, json)
VOLLEY_SLOT(volley_plan, create)
VOLLEY_SLOT(volley_plan, release)
VOLLEY_SLOT(volley_pipeline, name)
VOLLEY_SLOT(volley_pipeline, version)
VOLLEY_SLOT(volley_pipeline, description)
VOLLEY_SLOT(volley_pipeline, parameter)
VOLLEY_SLOT(volley_pipeline, plan)
VOLLEY_SLOT(volley_connector, name)
VOLLEY_SLOT(volley_connector, version)
VOLLEY_SLOT(volley_connector, description)
VOLLEY_SLOT(volley_connector, kinds)
VOLLEY_SLOT(volley_connector, option)
VOLLEY_SLOT(volley_connector, create)
VOLLEY_SLOT(volley_plugin, name)
VOLLEY_SLOT(volley_plugin, version)
VOLLEY_SLOT(volley_plugin, description)
VOLLEY_SLOT(volley_plugin, pipeline)
VOLLEY_SLOT(volley_plugin, connector)

#undef VOLLEY_SLOT

#endif
