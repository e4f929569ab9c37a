// Request and response, one byte each, over TCP, UDP, or each time a TCP connection of its own (connect): rounds a second and their
// times.  rounds serve PORT | rounds tcp|udp|connect ADDRESS PORT SECONDS
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}
static int by_size(const void* a, const void* b) {
    uint32_t x = *(const uint32_t*)a, y = *(const uint32_t*)b;
    return x < y ? -1 : x > y;
}

// Ended by a reset, so that its port is free again.
static int connection_round(const struct sockaddr_in* at) {
    struct linger reset = {.l_onoff = 1};
    struct timeval wait = {.tv_sec = 1};
    char byte = 'x';
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    int good = !connect(fd, (const void*)at, sizeof *at) && send(fd, &byte, 1, 0) == 1 && recv(fd, &byte, 1, 0) == 1;
    close(fd);
    return good;
}

int main(int argc, char** argv) {
    int one = 1;
    char byte = 'x';
    struct sockaddr_in at = {.sin_family = AF_INET};
    if (argc == 3) {
        at.sin_port = htons(atoi(argv[2]));
        int listener = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = -1;
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(listener, (void*)&at, sizeof at) || bind(udp, (void*)&at, sizeof at) || listen(listener, 64)) return 1;
        for (;;) {
            fd_set set;
            FD_ZERO(&set);
            FD_SET(listener, &set);
            FD_SET(udp, &set);
            if (tcp >= 0) FD_SET(tcp, &set);
            if (select(64, &set, 0, 0, 0) < 0) return 1;
            if (FD_ISSET(listener, &set)) {
                if (tcp >= 0) close(tcp);
                tcp = accept(listener, 0, 0);
                setsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            } else if (tcp >= 0 && FD_ISSET(tcp, &set)) {
                if (read(tcp, &byte, 1) != 1 || write(tcp, &byte, 1) != 1) close(tcp), tcp = -1;
            }
            if (FD_ISSET(udp, &set)) {
                struct sockaddr_in from;
                socklen_t size = sizeof from;
                if (recvfrom(udp, &byte, 1, 0, (void*)&from, &size) == 1)
                    sendto(udp, &byte, 1, 0, (void*)&from, size);
            }
        }
    }
    if (argc != 5) return 2;
    int tcp = !strcmp(argv[1], "tcp"), anew = !strcmp(argv[1], "connect");
    inet_pton(AF_INET, argv[2], &at.sin_addr);
    at.sin_port = htons(atoi(argv[3]));
    int fd = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
    struct timeval wait = {.tv_sec = 1};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (!anew && connect(fd, (void*)&at, sizeof at)) return perror("connect"), 1;
    if (tcp) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    size_t most = 10000000, count = 0, lost = 0;
    uint32_t* times = malloc(most * sizeof *times);
    uint64_t start = now(), end = start + (uint64_t)(atof(argv[4]) * 1e9);
    for (uint64_t t = start; t < end && count < most;) {
        if (!anew && send(fd, &byte, 1, 0) != 1) return perror("send"), 1;
        if (anew ? !connection_round(&at) : recv(fd, &byte, 1, 0) != 1) {
            if (tcp) return perror("recv"), 1;
            lost++;
            t = now();
            continue;
        }
        uint64_t then = now();
        times[count++] = then - t;
        t = then;
    }
    if (!count) return 1;
    double seconds = (now() - start) / 1e9;
    qsort(times, count, sizeof *times, by_size);
    printf("%.0f %.1f %.1f %zu\n", count / seconds, times[count / 2] / 1e3, times[count * 99 / 100] / 1e3, lost);
    return 0;
}
