// What the files of this plugin share.
#ifndef PLAIN_H
#define PLAIN_H

#include "volley.h"

/// Says why a call failed; gives the status to return.
int32_t fail(volley_error *error, uint32_t domain, const char *message);

/// The source that other plugins' pipelines call 'ramp'.
extern const volley_connector ramp_connector;

#endif
