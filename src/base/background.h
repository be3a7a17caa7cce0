/* Work that can wait: its thread leaves the processors to those that answer somebody. */
#ifndef FF_BASE_BACKGROUND_H
#define FF_BASE_BACKGROUND_H

/* So much nicer than before; a thread of this kind still gets a third of what another one gets, for
 * there are readers that wait for it. */
#define FF_BACKGROUND_NICE 5

/* Of the calling thread; one that has a real-time priority keeps it, and one that may not change
 * its own stays as it is. */
void ff_background_begin(void);

#endif
