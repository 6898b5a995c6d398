"""A shop of django-oscar's, made and kept through its own models.

    shop.py ADDRESS make CUSTOMERS ORDERS   its tables, so many customers, and so many orders of theirs
    shop.py ADDRESS order EMAIL             an order placed now by this customer; prints its number

ADDRESS is postgres://user:password@host:port/database, or mysql:// the same. There is no seed: the
customers are numbered, and what varies hangs on the number.
"""

import datetime
import decimal
import sys
import urllib.parse

address = urllib.parse.urlsplit(sys.argv[1])
if address.scheme == "mysql":
    import pymysql

    pymysql.install_as_MySQLdb()

import django
from django.conf import settings
from oscar.defaults import *  # noqa: F403 (the shop's usual settings)

OSCAR_APPS = """
    oscar.config.Shop oscar.apps.analytics.apps.AnalyticsConfig
    oscar.apps.checkout.apps.CheckoutConfig oscar.apps.address.apps.AddressConfig
    oscar.apps.shipping.apps.ShippingConfig oscar.apps.catalogue.apps.CatalogueConfig
    oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig
    oscar.apps.communication.apps.CommunicationConfig oscar.apps.partner.apps.PartnerConfig
    oscar.apps.basket.apps.BasketConfig oscar.apps.payment.apps.PaymentConfig
    oscar.apps.offer.apps.OfferConfig oscar.apps.order.apps.OrderConfig
    oscar.apps.customer.apps.CustomerConfig oscar.apps.search.apps.SearchConfig
    oscar.apps.voucher.apps.VoucherConfig oscar.apps.wishlists.apps.WishlistsConfig
    oscar.apps.dashboard.apps.DashboardConfig
    oscar.apps.dashboard.reports.apps.ReportsDashboardConfig
    oscar.apps.dashboard.users.apps.UsersDashboardConfig
    oscar.apps.dashboard.orders.apps.OrdersDashboardConfig
    oscar.apps.dashboard.catalogue.apps.CatalogueDashboardConfig
    oscar.apps.dashboard.offers.apps.OffersDashboardConfig
    oscar.apps.dashboard.partners.apps.PartnersDashboardConfig
    oscar.apps.dashboard.pages.apps.PagesDashboardConfig
    oscar.apps.dashboard.ranges.apps.RangesDashboardConfig
    oscar.apps.dashboard.reviews.apps.ReviewsDashboardConfig
    oscar.apps.dashboard.vouchers.apps.VouchersDashboardConfig
    oscar.apps.dashboard.communications.apps.CommunicationsDashboardConfig
    oscar.apps.dashboard.shipping.apps.ShippingDashboardConfig
""".split()

engines = {"postgres": "django.db.backends.postgresql", "mysql": "django.db.backends.mysql"}
given = {name: value for name, value in globals().items() if name.startswith("OSCAR_") and name != "OSCAR_APPS"}
settings.configure(
    SECRET_KEY="only for a test",
    USE_TZ=True,
    TIME_ZONE="Europe/London",
    SITE_ID=1,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    HAYSTACK_CONNECTIONS={"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}},
    DATABASES={
        "default": {
            "ENGINE": engines[address.scheme],
            "HOST": address.hostname,
            "PORT": address.port,
            "USER": address.username,
            "PASSWORD": urllib.parse.unquote(address.password),
            "NAME": address.path.strip("/"),
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.sites",
        "django.contrib.messages",
        "django.contrib.flatpages",
        *OSCAR_APPS,
        "widget_tweaks",
        "haystack",
        "treebeard",
        "django_tables2",
    ],
    **given,
)
django.setup()

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils import timezone
from oscar.core.loading import get_class, get_model

User = get_user_model()
Order, Line = get_model("order", "Order"), get_model("order", "Line")


def place(customer, number, total, when):
    """An order as the checkout leaves it, without a basket."""
    Order.objects.create(
        number=number,
        user=customer,
        currency="GBP",
        total_incl_tax=total,
        total_excl_tax=total / decimal.Decimal("1.2"),
        shipping_incl_tax=0,
        shipping_excl_tax=0,
        status="Complete",
        date_placed=when,
    )


def make(customers, orders):
    call_command("migrate", verbosity=0, interactive=False)
    people = []
    for n in range(customers):
        person = User(username=f"c{n}", email=f"c{n}@mail.example", first_name=f"Zoë {n}")
        person.set_unusable_password()
        people.append(person)
    User.objects.bulk_create(people)
    people = list(User.objects.order_by("id"))
    now = timezone.now()
    for n in range(orders):
        total = decimal.Decimal(n * 7 % 9000 + 100) / 100
        place(people[n % customers], f"1{n:05}", total, now - datetime.timedelta(days=30 + n % 300))


def order(email):
    number = f"2{Order.objects.count():05}"
    place(User.objects.get(email=email), number, decimal.Decimal("49.90"), timezone.now())
    print(number)


what, *rest = sys.argv[2:]
if what == "make":
    make(*map(int, rest))
else:
    order(*rest)
