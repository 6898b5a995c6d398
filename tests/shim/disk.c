/* A disk that misbehaves when told to, and a diary of what was done to it.
 *
 * Loaded into the real program with LD_PRELOAD. It looks only at files below SHIM_BELOW (an absolute
 * path without links).
 *
 * SHIM_CONTROL names a file that says what fails; it is read again before every call, so that a test
 * can change its mind while the program runs. A line is
 *
 *     OPERATION ERROR NAME [AFTER [TIMES]]
 *
 * OPERATION is write, grow (a write that needs new room), create, open (for writing), truncate, sync,
 * read, unlink, rename or mkdir; ERROR is ENOSPC, EIO, EROFS, EACCES or EDQUOT; NAME is how the
 * file's name ends, or *; the first AFTER such calls succeed, and only TIMES ones after them fail
 * (all, where it is missing). Every change of the file starts the counting anew.
 *
 * SHIM_MET names a file that grows by a byte with each call that fails.
 *
 * SHIM_JOURNAL names a file to which every change is added once it has happened, in order; the
 * record's shape is in `note` below, and examples/powercut/journal.rs reads it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 4096
#define RULES 16

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char below[PATH_MAX];
static size_t below_length;
static int control = -1, journal = -1, met = -1;
/* What each descriptor stands for; NULL for what isn't ours. */
static char *paths[FDS];
static char text[1024];
static long seen[RULES];

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);
static int (*real_mkdir)(const char *, mode_t);

static void begin(void) {
    real_open = dlsym(RTLD_NEXT, "open");
    real_close = dlsym(RTLD_NEXT, "close");
    real_write = dlsym(RTLD_NEXT, "write");
    real_writev = dlsym(RTLD_NEXT, "writev");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_read = dlsym(RTLD_NEXT, "read");
    real_pread = dlsym(RTLD_NEXT, "pread64");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_mkdir = dlsym(RTLD_NEXT, "mkdir");
    const char *name = getenv("SHIM_BELOW");
    if (name) {
        snprintf(below, sizeof below, "%s", name);
        below_length = strlen(below);
    }
    if ((name = getenv("SHIM_CONTROL")))
        control = real_open(name, O_RDONLY | O_CLOEXEC);
    if ((name = getenv("SHIM_MET")))
        met = real_open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if ((name = getenv("SHIM_JOURNAL")))
        journal = real_open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void lock(void) {
    pthread_once(&once, begin);
    pthread_mutex_lock(&turn);
}

static void unlock(void) {
    int kept = errno;
    pthread_mutex_unlock(&turn);
    errno = kept;
}

static int ours(const char *path) {
    return path && below_length && strncmp(path, below, below_length) == 0 &&
           (path[below_length] == '/' || path[below_length] == 0);
}

static const char *of(int fd) { return fd >= 0 && fd < FDS ? paths[fd] : NULL; }

static void forget(int fd) {
    if (fd >= 0 && fd < FDS) {
        free(paths[fd]);
        paths[fd] = NULL;
    }
}

/* The path without links and dots; the last part needn't exist. */
static const char *plain(const char *path, char *out) {
    char folder[PATH_MAX], real[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    const char *last = path;
    if (slash) {
        last = path + (slash - folder) + 1;
        slash[slash == folder ? 1 : 0] = 0;
    } else {
        strcpy(folder, ".");
    }
    if (!realpath(folder, real))
        return NULL;
    if (snprintf(out, PATH_MAX, "%s/%s", strcmp(real, "/") ? real : "", last) >= PATH_MAX)
        return NULL;
    return out;
}

static int number(const char *error) {
    if (!strcmp(error, "ENOSPC")) return ENOSPC;
    if (!strcmp(error, "EROFS")) return EROFS;
    if (!strcmp(error, "EACCES")) return EACCES;
    if (!strcmp(error, "EDQUOT")) return EDQUOT;
    return EIO;
}

/* The error that this operation is to end with now; 0 for none. */
static int fault(const char *operation, const char *path) {
    if (control < 0 || !ours(path))
        return 0;
    char now[sizeof text];
    ssize_t length = real_pread(control, now, sizeof now - 1, 0);
    if (length <= 0)
        return 0;
    now[length] = 0;
    if (strcmp(now, text)) {
        strcpy(text, now);
        memset(seen, 0, sizeof seen);
    }
    char *rest = NULL;
    int n = 0;
    for (char *line = strtok_r(now, "\n", &rest); line && n < RULES;
         line = strtok_r(NULL, "\n", &rest), n++) {
        char what[16], error[16], name[128];
        long after = 0, times = -1;
        if (sscanf(line, "%15s %15s %127s %ld %ld", what, error, name, &after, &times) < 3)
            continue;
        size_t have = strlen(path), want = strlen(name);
        if (strcmp(what, operation) ||
            (strcmp(name, "*") && (want > have || strcmp(path + have - want, name))))
            continue;
        long nth = seen[n]++;
        if (nth >= after && (times < 0 || nth < after + times))
            return number(error);
    }
    return 0;
}

static int fails(const char *operation, const char *path) {
    int error = fault(operation, path);
    if (error && met >= 0 && real_write(met, ".", 1) != 1)
        abort();
    if (error)
        errno = error;
    return error;
}

/* operation, length of the path, length of the data, inode, offset; then path and data. */
static void note(char operation, const char *path, uint64_t inode, int64_t offset, const void *data,
                 size_t length) {
    if (journal < 0)
        return;
    int kept = errno;
    struct __attribute__((packed)) {
        uint8_t operation, spare;
        uint16_t path;
        uint32_t data;
        uint64_t inode;
        int64_t offset;
    } head = {(uint8_t)operation, 0, (uint16_t)strlen(path), (uint32_t)length, inode, offset};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)path, head.path}, {(void *)data, length}};
    if (real_writev(journal, parts, 3) != (ssize_t)(sizeof head + head.path + length))
        abort();
    errno = kept;
}

static uint64_t inode_of(int fd, off_t *size) {
    struct stat found;
    if (fstat(fd, &found))
        return 0;
    if (size)
        *size = found.st_size;
    return found.st_ino;
}

static int opened(const char *path, int flags, mode_t mode) {
    lock();
    char buffer[PATH_MAX];
    const char *name = plain(path, buffer);
    int writes = (flags & O_ACCMODE) != O_RDONLY;
    int there = 1, fd = -1;
    if (ours(name)) {
        there = access(name, F_OK) == 0;
        if ((flags & O_CREAT && !there && fails("create", name)) || (writes && fails("open", name)))
            goto end;
    }
    fd = real_open(path, flags, mode);
    if (fd >= 0) {
        forget(fd);
        if (ours(name) && fd < FDS) {
            paths[fd] = strdup(name);
            uint64_t inode = inode_of(fd, NULL);
            if (!there)
                note('C', name, inode, 0, NULL, 0);
            else if (writes)
                note('O', name, inode, 0, NULL, 0);
            if (there && writes && flags & O_TRUNC)
                note('T', name, inode, 0, NULL, 0);
        }
    }
end:
    unlock();
    return fd;
}

static mode_t mode_in(int flags, va_list rest) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_in(flags, rest);
    va_end(rest);
    return opened(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_in(flags, rest);
    va_end(rest);
    return opened(path, flags, mode);
}

int close(int fd) {
    lock();
    forget(fd);
    int done = real_close(fd);
    unlock();
    return done;
}

static ssize_t put(int fd, const void *data, size_t length, off_t offset, int at) {
    lock();
    ssize_t done = -1;
    const char *path = of(fd);
    if (path) {
        off_t size = 0;
        uint64_t inode = inode_of(fd, &size);
        if (!at)
            offset = fcntl(fd, F_GETFL) & O_APPEND ? size : lseek(fd, 0, SEEK_CUR);
        if (fails("write", path) || (offset + (off_t)length > size && fails("grow", path)))
            goto end;
        done = at ? real_pwrite(fd, data, length, offset) : real_write(fd, data, length);
        if (done > 0)
            note('W', path, inode, offset, data, (size_t)done);
    } else {
        /* Not a file of ours: a socket, say, which may block. */
        unlock();
        return at ? real_pwrite(fd, data, length, offset) : real_write(fd, data, length);
    }
end:
    unlock();
    return done;
}

ssize_t write(int fd, const void *data, size_t length) { return put(fd, data, length, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
    return put(fd, data, length, at, 1);
}
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
    return put(fd, data, length, at, 1);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    lock();
    const char *path = of(fd);
    unlock();
    if (!path)
        return real_writev(fd, parts, count);
    ssize_t sum = 0;
    for (int n = 0; n < count; n++) {
        ssize_t done = put(fd, parts[n].iov_base, parts[n].iov_len, 0, 0);
        if (done < 0)
            return sum ? sum : -1;
        sum += done;
    }
    return sum;
}

static int refused(const char *operation, int fd) {
    lock();
    int error = fails(operation, of(fd));
    unlock();
    return error;
}

ssize_t read(int fd, void *data, size_t length) {
    return refused("read", fd) ? -1 : real_read(fd, data, length);
}
ssize_t pread(int fd, void *data, size_t length, off_t at) {
    return refused("read", fd) ? -1 : real_pread(fd, data, length, at);
}
ssize_t pread64(int fd, void *data, size_t length, off64_t at) {
    return refused("read", fd) ? -1 : real_pread(fd, data, length, at);
}

static int cut(int fd, off_t length) {
    lock();
    int done = -1;
    const char *path = of(fd);
    if (!fails("truncate", path)) {
        done = real_ftruncate(fd, length);
        if (path && done == 0)
            note('T', path, inode_of(fd, NULL), length, NULL, 0);
    }
    unlock();
    return done;
}

int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }

static int synced(int fd, int data_only) {
    lock();
    int done = -1;
    const char *path = of(fd);
    if (!fails("sync", path)) {
        /* A recorded disk is cut in imagination, so nobody needs to wait for the real one. */
        if (path && journal >= 0)
            done = 0;
        else
            done = data_only ? real_fdatasync(fd) : real_fsync(fd);
        if (path && done == 0)
            note('S', path, inode_of(fd, NULL), 0, NULL, 0);
    }
    unlock();
    return done;
}

int fsync(int fd) { return synced(fd, 0); }
int fdatasync(int fd) { return synced(fd, 1); }

int unlink(const char *path) {
    lock();
    char buffer[PATH_MAX];
    const char *name = plain(path, buffer);
    int done = -1;
    if (!fails("unlink", name)) {
        done = real_unlink(path);
        if (done == 0 && ours(name))
            note('U', name, 0, 0, NULL, 0);
    }
    unlock();
    return done;
}

int rename(const char *from, const char *to) {
    lock();
    char one[PATH_MAX], two[PATH_MAX];
    const char *old = plain(from, one), *new = plain(to, two);
    int done = -1;
    if (!fails("rename", new)) {
        done = real_rename(from, to);
        if (done == 0 && ours(old) && ours(new))
            note('R', old, 0, 0, new, strlen(new));
    }
    unlock();
    return done;
}

int mkdir(const char *path, mode_t mode) {
    lock();
    char buffer[PATH_MAX];
    const char *name = plain(path, buffer);
    int done = -1;
    if (!fails("mkdir", name)) {
        done = real_mkdir(path, mode);
        if (done == 0 && ours(name))
            note('D', name, 0, 0, NULL, 0);
    }
    unlock();
    return done;
}
