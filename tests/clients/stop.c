/* Loaded before a server (LD_PRELOAD): kills it with SIGKILL before the n-th call that makes bytes durable or a name visible or gone, and
 * writes into a file (KEYWATCH_STOP_LOG) what that call was about to do. With n = 0 it only counts. KEYWATCH_STOP_AT is a file of two numbers
 * that the test maps as well: how many calls there were, and n, which the test may set when a part of its work begins. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct control {
    atomic_long calls, stop;
};

static struct control *control(void)
{
    static struct control *_Atomic mapped;
    if (!mapped) {
        const char *path = getenv("KEYWATCH_STOP_AT");
        int fd = path ? open(path, O_RDWR) : -1;
        void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED)
            abort();
        mapped = at;
    }
    return mapped;
}

/* Without stdio, which would come back here. */
static void note(const char *what, const char *path, long call)
{
    char line[4600];
    int length = snprintf(line, sizeof line, "%ld %s %s\n", call, what, path);
    const char *log = getenv("KEYWATCH_STOP_LOG");
    int fd = log ? open(log, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    ssize_t (*real_pwrite)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    if (fd >= 0) {
        real_pwrite(fd, line, (size_t)length, 0);
        close(fd);
    }
}

static void pass(const char *what, const char *path)
{
    long call = atomic_fetch_add(&control()->calls, 1) + 1;
    long stop = atomic_load(&control()->stop);
    if (stop == 0 || call < stop) {
        if (stop != 0)
            return;
        note(what, path, call);
    } else {
        /* Calls that come after wait for the end, which must not come before the note is written. */
        static atomic_flag stopping = ATOMIC_FLAG_INIT;
        if (!atomic_flag_test_and_set(&stopping)) {
            note(what, path, call);
            kill(getpid(), SIGKILL);
        }
        pause();
    }
}

static void pass_fd(const char *what, int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    pass(what, path);
}

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = dlsym(RTLD_NEXT, #name)

int fsync(int fd) { REAL(int, fsync, int); pass_fd("fsync", fd); return real(fd); }
int fdatasync(int fd) { REAL(int, fdatasync, int); pass_fd("fdatasync", fd); return real(fd); }
int rename(const char *from, const char *to) { REAL(int, rename, const char *, const char *); pass("rename", to); return real(from, to); }
int unlink(const char *path) { REAL(int, unlink, const char *); pass("unlink", path); return real(path); }

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    REAL(int, linkat, int, const char *, int, const char *, int);
    pass("linkat", to);
    return real(from_dir, from, to_dir, to, flags);
}

/* Files only, and not what is said on standard output and error. */
ssize_t write(int fd, const void *bytes, size_t length)
{
    REAL(ssize_t, write, int, const void *, size_t);
    struct stat of;
    if (fd > 2 && fstat(fd, &of) == 0 && S_ISREG(of.st_mode))
        pass_fd("write", fd);
    return real(fd, bytes, length);
}
