#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

/// How often the calling thread has asked `malloc` and its relatives for memory, since it began.
unsigned long allocation_count(void);

#endif
