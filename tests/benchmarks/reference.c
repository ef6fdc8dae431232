/* Plain C reference for the compiled kernels: one thread, one chain, no intrinsics.
 *
 * Action (2 and 3 dimensions, L^D sites, periodic, x contiguous):
 *
 *     S = sum_x [ -2 kappa sum_mu phi_x phi_{x+mu} + (1 - 2 lambda) phi_x^2 + lambda phi_x^4 ]
 *
 * hmc_run:   leapfrog with the force, the kick and the drift of a step in one sweep over two field buffers.
 * wolff_run: single clusters of the embedded Ising spins sign(phi), R. C. Brower, P. Tamayo, PRL 62 (1989) 1087.
 *
 * Random numbers: xoshiro256+ (D. Blackman, S. Vigna, ACM TOMS 47 (2021) 36), seeded by splitmix64; normal ones by
 * the ziggurat of G. Marsaglia, W. W. Tsang, J. Stat. Soft. 5 (2000) 8, with 256 layers.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- random numbers ---- */

typedef struct {
    uint64_t word[4];
} rng_t;

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void rng_seed(rng_t *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        rng->word[i] = splitmix64(&seed);
}

static inline uint64_t rng_bits(rng_t *rng)
{
    uint64_t *s = rng->word;
    const uint64_t result = s[0] + s[3];
    const uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return result;
}

/* Uniform in [0, 1). */
static inline double rng_uniform(rng_t *rng)
{
    return (double)(rng_bits(rng) >> 11) * 0x1p-53;
}

enum { LAYERS = 256 };
static const double TAIL = 3.6541528853610088;    /* where the tail begins */
static const double AREA = 0.00492867323399;      /* of every layer under exp(-x^2/2) */
static double edge[LAYERS + 1];                   /* right edges, widest (of the base layer with its tail) first */
static double inside[LAYERS];                     /* edge[i + 1] / edge[i]: below it no test is needed */

static void ziggurat_init(void)
{
    double height = exp(-0.5 * TAIL * TAIL);

    edge[0] = AREA / height;
    edge[1] = TAIL;
    for (int i = 2; i < LAYERS; i++) {
        edge[i] = sqrt(-2 * log(AREA / edge[i - 1] + height));
        height = exp(-0.5 * edge[i] * edge[i]);
    }
    edge[LAYERS] = 0;
    for (int i = 0; i < LAYERS; i++)
        inside[i] = edge[i + 1] / edge[i];
}

/* A normal number beyond TAIL, with the sign of u. */
static inline double ziggurat_tail(rng_t *rng, double u)
{
    double x, y;
    do {
        x = -log(1 - rng_uniform(rng)) / TAIL;
        y = -log(1 - rng_uniform(rng));
    } while (2 * y < x * x);
    return copysign(TAIL + x, u);
}

static inline double rng_normal(rng_t *rng)
{
    for (;;) {
        const uint64_t bits = rng_bits(rng);
        const int i = (bits >> 3) & (LAYERS - 1);                     /* the lowest bits of xoshiro256+ are weak */
        const double u = (double)(int64_t)(bits & ~(uint64_t)2047) * 0x1p-63; /* in [-1, 1), apart from bits of i */

        if (fabs(u) < inside[i])
            return u * edge[i];
        if (i == 0)
            return ziggurat_tail(rng, u);
        const double x = u * edge[i];
        const double low = exp(-0.5 * (edge[i] * edge[i] - x * x));
        const double high = exp(-0.5 * (edge[i + 1] * edge[i + 1] - x * x));
        if (high + rng_uniform(rng) * (low - high) < 1.0)
            return x;
    }
}

/* ---- HMC ---- */

typedef struct {
    int dimension, extent;
    double kappa, lambda;
} theory_t;

static long volume(const theory_t *t)
{
    long sites = t->extent;
    for (int i = 1; i < t->dimension; i++)
        sites *= t->extent;
    return sites;
}

static inline double site_action(const theory_t *t, double phi, double next)
{
    const double square = phi * phi;
    return -2 * t->kappa * phi * next + ((1 - 2 * t->lambda) + t->lambda * square) * square;
}

static double action(const theory_t *t, const double *phi)
{
    const int L = t->extent, slices = t->dimension == 3 ? L : 1;
    double total = 0;

    for (int z = 0; z < slices; z++)
        for (int y = 0; y < L; y++) {
            const double *here = phi + ((long)z * L + y) * L;
            const double *up = phi + ((long)z * L + (y + 1 == L ? 0 : y + 1)) * L;
            const double *front = phi + ((long)(z + 1 == slices ? 0 : z + 1) * L + y) * L;
            const double with_front = t->dimension == 3 ? 1 : 0;
            double row = 0;

            for (int x = 0; x < L - 1; x++)
                row += site_action(t, here[x], here[x + 1] + up[x] + with_front * front[x]);
            total += row + site_action(t, here[L - 1], here[0] + up[L - 1] + with_front * front[L - 1]);
        }
    return total;
}

/* What one sweep does to a site with neighbour sum n: p += a n + (b + c phi^2) phi, then next = phi + drift p. */
typedef struct {
    double a, b, c, drift;
} step_t;

static step_t step_of(const theory_t *t, double kick, double drift)
{
    const step_t s = {2 * t->kappa * kick, -2 * (1 - 2 * t->lambda) * kick, -4 * t->lambda * kick, drift};
    return s;
}

static inline double kicked(step_t s, double phi, double neighbours, double momentum)
{
    return momentum + s.a * neighbours + (s.b + s.c * (phi * phi)) * phi;
}

/* One row in two dimensions; c, u, d: the row itself, the next and the previous one. `restrict` tells the compiler
 * that what is written is not read here, as it must know to use vectors. */
static inline void sweep_row_2d(step_t s, const double *restrict c, const double *restrict u, const double *restrict d,
                                double *restrict p, double *restrict next, int L)
{
    const int e = L - 1;

    p[0] = kicked(s, c[0], c[e] + c[1] + u[0] + d[0], p[0]);
    next[0] = c[0] + s.drift * p[0];
    for (int x = 1; x < e; x++) {
        const double momentum = kicked(s, c[x], c[x - 1] + c[x + 1] + u[x] + d[x], p[x]);
        p[x] = momentum;
        next[x] = c[x] + s.drift * momentum;
    }
    p[e] = kicked(s, c[e], c[e - 1] + c[0] + u[e] + d[e], p[e]);
    next[e] = c[e] + s.drift * p[e];
}

/* The same in three dimensions, where f and b are the rows of the next and of the previous slice. */
static inline void sweep_row_3d(step_t s, const double *restrict c, const double *restrict u, const double *restrict d,
                                const double *restrict f, const double *restrict b, double *restrict p,
                                double *restrict next, int L)
{
    const int e = L - 1;

    p[0] = kicked(s, c[0], c[e] + c[1] + u[0] + d[0] + f[0] + b[0], p[0]);
    next[0] = c[0] + s.drift * p[0];
    for (int x = 1; x < e; x++) {
        const double momentum = kicked(s, c[x], c[x - 1] + c[x + 1] + u[x] + d[x] + f[x] + b[x], p[x]);
        p[x] = momentum;
        next[x] = c[x] + s.drift * momentum;
    }
    p[e] = kicked(s, c[e], c[e - 1] + c[0] + u[e] + d[e] + f[e] + b[e], p[e]);
    next[e] = c[e] + s.drift * p[e];
}

/* Two functions that are not inlined into one another, or registers run out inside the inner loops (10 % in 2D). */
static __attribute__((noinline)) void sweep_2d(step_t s, const double *phi, double *p, double *next, int L)
{
    for (int y = 0; y < L; y++) {
        const int above = y + 1 == L ? 0 : y + 1, below = y ? y - 1 : L - 1;
        sweep_row_2d(s, phi + y * L, phi + above * L, phi + below * L, p + y * L, next + y * L, L);
    }
}

static __attribute__((noinline)) void sweep_3d(step_t s, const double *phi, double *p, double *next, int L)
{
    const long plane = (long)L * L;

    for (int z = 0; z < L; z++) {
        const double *slice = phi + z * plane;
        const double *front = phi + (z + 1 == L ? 0 : z + 1) * plane, *back = phi + (z ? z - 1 : L - 1) * plane;

        for (int y = 0; y < L; y++) {
            const long row = (long)y * L, above = y + 1 == L ? 0 : row + L, below = y ? row - L : plane - L;
            sweep_row_3d(s, slice + row, slice + above, slice + below, front + row, back + row, p + z * plane + row,
                         next + z * plane + row, L);
        }
    }
}

static void sweep(const theory_t *t, step_t s, const double *phi, double *p, double *next)
{
    if (t->dimension == 2)
        sweep_2d(s, phi, p, next, t->extent);
    else
        sweep_3d(s, phi, p, next, t->extent);
}

static double half_square(const double *p, long n)
{
    double sum = 0;
    for (long i = 0; i < n; i++)
        sum += p[i] * p[i];
    return 0.5 * sum;
}

/* Never a multiple of 4096 bytes for the usual lattices: stores and loads that far apart look alike to processors. */
static double *new_field(long n)
{
    return aligned_alloc(64, ((size_t)n * sizeof(double) / 64 + 1) * 64);
}

/* Runs `updates` trajectories of `steps` leapfrog steps of size `eps` from phi, which is left at the last state.
 * sums: added up over the trajectories: mean of phi^2, |mean of phi|, accepted. Returns 0, or 1 without memory. */
int hmc_run(double *phi, int dimension, int extent, double kappa, double lambda, int steps, double eps, long updates,
            uint64_t seed, double sums[3])
{
    const theory_t t = {dimension, extent, kappa, lambda};
    const long V = volume(&t);
    double *old = new_field(V), *now = new_field(V), *next = new_field(V), *p = new_field(V);
    const int failed = !old || !now || !next || !p;
    rng_t rng;

    ziggurat_init();
    rng_seed(&rng, seed);
    if (!failed)
        memcpy(now, phi, (size_t)V * sizeof(double));
    for (long update_no = 0; update_no < updates && !failed; update_no++) {
        double kinetic = 0;
        for (long i = 0; i < V; i++) {
            p[i] = rng_normal(&rng);
            kinetic += p[i] * p[i];
        }
        const double before = 0.5 * kinetic + action(&t, now);
        memcpy(old, now, (size_t)V * sizeof(double));

        /* half a kick with the first drift, whole kicks, and half a kick without a drift */
        for (int s = 0; s <= steps; s++) {
            const double kick = s == 0 || s == steps ? 0.5 * eps : eps;
            double *const swap = next;
            sweep(&t, step_of(&t, kick, s == steps ? 0 : eps), now, p, next);
            next = now;
            now = swap;
        }
        const double after = half_square(p, V) + action(&t, now);
        if (rng_uniform(&rng) < exp(before - after))
            sums[2] += 1;
        else
            memcpy(now, old, (size_t)V * sizeof(double));

        double magnetization = 0, square = 0;
        for (long i = 0; i < V; i++) {
            magnetization += now[i];
            square += now[i] * now[i];
        }
        sums[0] += square / (double)V;
        sums[1] += fabs(magnetization) / (double)V;
    }
    if (!failed)
        memcpy(phi, now, (size_t)V * sizeof(double));
    free(old);
    free(now);
    free(next);
    free(p);
    return failed;
}

/* ---- Wolff clusters ---- */

static inline int neighbours_of(long i, int dimension, long L, long V, long *list)
{
    const long plane = L * L, x = i % L, y = i / L % L;

    list[0] = x + 1 < L ? i + 1 : i + 1 - L;
    list[1] = x ? i - 1 : i - 1 + L;
    list[2] = y + 1 < L ? i + L : i + L - plane;
    list[3] = y ? i - L : i - L + plane;
    if (dimension == 2)
        return 4;
    list[4] = i + plane < V ? i + plane : i + plane - V;
    list[5] = i >= plane ? i - plane : i - plane + V;
    return 6;
}

/* Flips `clusters` clusters, bonds with probability 1 - exp(-4 kappa phi_x phi_y) where that is positive.
 * stack: room for V integers. Returns the number of flipped sites. */
long wolff_run(double *phi, int dimension, int extent, double kappa, long clusters, uint64_t seed, int *stack)
{
    const theory_t t = {dimension, extent, kappa, 0};
    const long V = volume(&t);
    long flipped = 0;
    rng_t rng;

    rng_seed(&rng, seed);
    for (long cluster = 0; cluster < clusters; cluster++) {
        const long root = (long)(rng_uniform(&rng) * (double)V);
        long height = 0;

        phi[root] = -phi[root];
        stack[height++] = (int)root;
        flipped++;
        while (height) {
            const long i = stack[--height];
            const double strength = -4 * kappa * phi[i]; /* phi[i] has been flipped already */
            long list[6];
            const int count = neighbours_of(i, dimension, extent, V, list);

            for (int k = 0; k < count; k++) {
                const long j = list[k];
                const double bond = strength * phi[j];
                if (bond <= 0)
                    continue;
                const double u = rng_uniform(&rng);
                /* 1 - exp(-bond) <= bond: most refusals need no exponential */
                if (u >= bond || u >= 1 - exp(-bond))
                    continue;
                phi[j] = -phi[j];
                stack[height++] = (int)j;
                flipped++;
            }
        }
    }
    return flipped;
}
