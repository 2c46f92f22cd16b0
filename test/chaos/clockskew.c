/*
 * LD_PRELOAD: moves CLOCK_REALTIME, and nothing else, by the milliseconds in the first 8 bytes of the file $CLOCKSKEW_FILE,
 * which may change while the process runs. For Redis and Node, which ask these three functions for the date.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t none = 0, *skew_ms = &none;

__attribute__((constructor)) static void find_skew(void) {
  const char *file = getenv("CLOCKSKEW_FILE");
  int fd = file ? open(file, O_RDONLY) : -1;
  if (fd < 0) return;
  void *mapped = mmap(0, sizeof *skew_ms, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) skew_ms = mapped;
}

/* The system call: the C library's own clock_gettime would be this one. */
static int wall_clock(clockid_t clock, struct timespec *time) {
  int failed = syscall(SYS_clock_gettime, clock, time);
  if (failed || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return failed;
  int64_t ms = *skew_ms;
  time->tv_sec += ms / 1000;
  time->tv_nsec += (ms % 1000) * 1000000;
  if (time->tv_nsec < 0) { time->tv_nsec += 1000000000; time->tv_sec--; }
  if (time->tv_nsec >= 1000000000) { time->tv_nsec -= 1000000000; time->tv_sec++; }
  return 0;
}

int clock_gettime(clockid_t clock, struct timespec *time) { return wall_clock(clock, time); }

int gettimeofday(struct timeval *restrict tv, void *restrict zone) {
  (void)zone;
  struct timespec time;
  if (wall_clock(CLOCK_REALTIME, &time)) return -1;
  if (tv) { tv->tv_sec = time.tv_sec; tv->tv_usec = time.tv_nsec / 1000; }
  return 0;
}

time_t time(time_t *seconds) {
  struct timespec now;
  if (wall_clock(CLOCK_REALTIME, &now)) return -1;
  if (seconds) *seconds = now.tv_sec;
  return now.tv_sec;
}
