/*
 * LD_PRELOAD: while the file $DISKFULL_FILE exists, what is written to an SQLite store (a file named *oncegate.db*) finds no
 * space left. For Node, whose SQLite writes with these two functions.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int finds_no_space(int fd) {
  const char *file = getenv("DISKFULL_FILE");
  if (!file || access(file, F_OK)) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, "oncegate.db") != NULL;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  if (finds_no_space(fd)) return errno = ENOSPC, -1;
  return syscall(SYS_write, fd, bytes, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  if (finds_no_space(fd)) return errno = ENOSPC, -1;
  return syscall(SYS_pwrite64, fd, bytes, count, offset);
}
